"""All tables. Import models from here, so that every mapper is configured."""

from backoffice.models.batch import Batch, BatchService
from backoffice.models.batch_life import BatchChange, BatchJob
from backoffice.models.bulk import BulkItem, BulkRun
from backoffice.models.enrolment_request import EnrolmentRequest
from backoffice.models.event import OrderEvent, Timer
from backoffice.models.lease import ReviewLease
from backoffice.models.order import Order, OrderItem
from backoffice.models.outbox import Message, OutboxRow
from backoffice.models.payment import Payment, PaymentNotice, Refund
from backoffice.models.photo import Photo, RejectionReason, ReviewDecision
from backoffice.models.review_desk import (
    ReasonUse,
    ReviewEscalation,
    ReviewRule,
    SecondOpinion,
    SeniorReviewer,
)
from backoffice.models.roster import CaptureCode, Enrolment, RosterImport
from backoffice.models.saved_list import ListExport, SavedView
from backoffice.models.school import School
from backoffice.models.shipment import Shipment
from backoffice.models.staff import AccessRecord, Role, Staff
from backoffice.models.staff_session import StaffInvitation, StaffSession
from backoffice.models.standard import PhotoStandard
from backoffice.models.student import (
    Address,
    IdempotencyRecord,
    Student,
    StudentConsent,
    StudentToken,
)
from backoffice.models.ticket import Ticket, TicketMessage
from backoffice.models.upload import PhotoUpload

__all__ = [
    "AccessRecord",
    "Address",
    "Batch",
    "BatchChange",
    "BatchJob",
    "BatchService",
    "BulkItem",
    "BulkRun",
    "CaptureCode",
    "Enrolment",
    "EnrolmentRequest",
    "IdempotencyRecord",
    "ListExport",
    "Message",
    "Order",
    "OrderEvent",
    "OrderItem",
    "OutboxRow",
    "Payment",
    "PaymentNotice",
    "Photo",
    "PhotoStandard",
    "PhotoUpload",
    "ReasonUse",
    "Refund",
    "RejectionReason",
    "ReviewDecision",
    "ReviewEscalation",
    "ReviewLease",
    "ReviewRule",
    "Role",
    "RosterImport",
    "SavedView",
    "School",
    "SecondOpinion",
    "SeniorReviewer",
    "Shipment",
    "Staff",
    "StaffInvitation",
    "StaffSession",
    "Student",
    "StudentConsent",
    "StudentToken",
    "Ticket",
    "TicketMessage",
    "Timer",
]
