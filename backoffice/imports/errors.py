"""Why a roster file cannot be used as a whole; findings about single rows live in `findings`."""

from __future__ import annotations

from backoffice.errors import BackofficeError
from backoffice.i18n import Text


class RosterError(BackofficeError):
    """Base of everything that stops an import before its first row."""

    code = "roster_error"
    title = Text("名单无法导入", "The roster cannot be imported")


class NotARoster(RosterError):
    """The file opens, but its table cannot be read as a roster."""


class HeaderNotFound(NotARoster):
    """No row looks like the headings of a roster."""

    code = "roster_header_not_found"
    detail = Text(
        "在前 {rows} 行中没有找到表头。表头应包含“学号”“姓名”等列名；也可以下载模板填写。",
        "No heading row was found in the first {rows} rows. It should name columns such as 学号 "
        "and 姓名; the template has them.",
    )


class ColumnMissing(NotARoster):
    """A column the roster mode requires is not there."""

    code = "roster_column_missing"
    detail = Text(
        "缺少必需的列：{columns}。文件中的列有：{headings}。请补上该列，或手动指定对应关系。",
        "Required columns are missing: {columns}. The file has: {headings}. Add the column or map "
        "one by hand.",
    )


class ColumnDuplicated(NotARoster):
    """Two columns claim the same field."""

    code = "roster_column_duplicated"
    detail = Text(
        "“{field}”对应了不止一列：{columns}。请只保留一列，或手动指定用哪一列。"
        "文件中的列有：{headings}。",
        "More than one column fits {field}: {columns}. Keep one or map it by hand. The file has: "
        "{headings}.",
    )


class ColumnUnknown(RosterError):
    """A manual mapping names a column that the file does not have."""

    code = "roster_column_unknown"
    detail = Text(
        "手动对应中的列“{column}”在文件里不存在。文件中的列有：{headings}。",
        "The mapped column {column} is not in the file, which has: {headings}.",
    )


class FieldUnknown(RosterError):
    """A manual mapping names a field that does not exist."""

    code = "roster_field_unknown"
    detail = Text(
        "手动对应中的字段“{field}”不存在。可用的字段：{fields}。",
        "The mapped field {field} does not exist. Fields: {fields}.",
    )


class SheetUnknown(RosterError):
    """The asked-for sheet is not in the workbook."""

    code = "roster_sheet_unknown"
    detail = Text("工作簿中没有这个工作表。", "The workbook has no such sheet.")


class RosterNotUsed(RosterError):
    """A batch without a roster cannot take one."""

    code = "roster_not_used"
    detail = Text(
        "此批次为无名单模式，名单由学生的采集码生成，不能导入。",
        "This batch works without a roster: the capture codes build its list.",
    )


class BatchArchived(RosterError):
    """An archived batch does not change."""

    code = "batch_archived"
    detail = Text("此批次已归档，不能再导入名单。", "This batch is archived and takes no roster.")


class ImportRunning(RosterError):
    """One import per batch at a time."""

    code = "roster_import_running"
    detail = Text(
        "此批次正在导入另一份名单，请等它完成后再试。",
        "Another roster is being imported into this batch; try again when it has finished.",
    )


class RosterMoved(RosterError):
    """Somebody enrolled a student of this file between the comparison and the writing."""

    code = "roster_moved"
    detail = Text(
        "导入期间名单发生了变化，未写入任何内容。请重新导入。",
        "The roster changed during the import and nothing was written. Please import again.",
    )


class PreviewOutdated(RosterError):
    """The form shows an older preview than the stored one, or the stored one was used up."""

    code = "roster_preview_outdated"
    detail = Text(
        "预览已更新或已处理，请查看最新结果后再操作。",
        "The preview has changed or was used already. Look at the newest result first.",
    )


class UploadGone(RosterError):
    """The uploaded file is no longer kept."""

    code = "roster_upload_gone"
    detail = Text(
        "上传的文件已按期删除，请重新上传名单。",
        "The uploaded file is no longer kept. Please upload the roster again.",
    )


class ImportInterrupted(RosterError):
    """The import ended its process again and again."""

    code = "roster_import_interrupted"
    detail = Text(
        "处理多次中断，未写入任何内容。请稍后重新核对；仍不成功请联系管理员。",
        "The work was interrupted several times and nothing was written. Try again later, or ask "
        "an administrator.",
    )


class UndoRefused(RosterError):
    """Only what is applied, in a batch that still changes, can be undone."""

    code = "roster_undo_refused"
    detail = Text("此次导入不能撤销。", "This import cannot be undone.")
