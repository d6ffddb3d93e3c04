"""Files that cannot be read, told from each other: what each is and what the clerk can do."""

from __future__ import annotations

from backoffice.i18n import Text
from backoffice.imports.errors import RosterError


class WorkbookError(RosterError):
    """Base of the unreadable files: the commands end with exit status 2."""

    code = "workbook_not_readable"
    title = Text("文件无法读取", "The file cannot be read")
    detail = Text(
        "无法读取该文件。请用 Excel 或 WPS 打开，另存为 .xlsx 后重试。",
        "The file cannot be read. Open it in Excel or WPS, save it as .xlsx and try again.",
    )


class WorkbookNotReadable(WorkbookError):
    """The parser refused the file without saying more."""


class WorkbookEncrypted(WorkbookError):
    """The file needs a password."""

    code = "workbook_encrypted"
    detail = Text(
        "文件设有打开密码。请在 Excel 或 WPS 中取消密码保护，保存后重新上传。",
        "The file needs a password. Remove the password in Excel or WPS, save it, upload again.",
    )


class WorkbookEmpty(WorkbookError):
    """No byte, or no cell with anything in it."""

    code = "workbook_empty"
    detail = Text(
        "文件是空的：没有任何内容。请确认选对了文件。",
        "The file is empty. Please make sure it is the right one.",
    )


class WorkbookTooLarge(WorkbookError):
    """More bytes, rows, columns or parsing work than a roster can need."""

    code = "workbook_too_large"
    detail = Text(
        "文件过大，或表格末尾之外的远处有内容（常见原因：误在最后一行或最右列留下了格式或字符）。"
        "上限为 {rows} 行、{columns} 列、{megabytes} MB。请把名单复制到新工作簿后重试。",
        "The file is too large, or a cell far outside the table is filled. The limits are {rows} "
        "rows, {columns} columns and {megabytes} MB. Copy the roster into a new workbook and retry.",
    )


class WorkbookCorrupt(WorkbookError):
    """The file claims a format and breaks it."""

    code = "workbook_corrupt"
    detail = Text(
        "文件已损坏或不完整。请重新导出或重新下载，并确认能用 Excel 或 WPS 打开。",
        "The file is damaged or incomplete. Export or download it again and make sure that Excel "
        "or WPS opens it.",
    )


class WorkbookNoTable(WorkbookError):
    """There are sheets, but no cells: pictures or charts only."""

    code = "workbook_no_table"
    detail = Text(
        "工作簿中没有单元格内容，只有图片或图表。请上传可编辑的表格，而不是表格的截图。",
        "The workbook holds pictures or charts but no cells. Upload an editable table, not a "
        "picture of one.",
    )


class WorkbookHasMacros(WorkbookError):
    """A workbook with programs in it."""

    code = "workbook_has_macros"
    detail = Text(
        "文件中含有宏。请在 Excel 或 WPS 中另存为不含宏的 .xlsx 后重新上传。",
        "The workbook contains macros. Save it in Excel or WPS as .xlsx without macros and upload "
        "it again.",
    )


class WorkbookUnsupported(WorkbookError):
    """Another kind of file: `kind` says which."""

    code = "workbook_unsupported"
    detail = Text(
        "不支持这种文件（{kind}）。请上传 .xlsx、.xls、.ods 或 .csv；"
        "若由教务系统导出，请先用 Excel 或 WPS 打开并另存为 .xlsx。",
        "This kind of file ({kind}) is not supported. Upload .xlsx, .xls, .ods or .csv; open an "
        "export of another system in Excel or WPS and save it as .xlsx first.",
    )


UNREADABLE: dict[str, type[WorkbookError]] = {
    error.code: error
    for error in (
        WorkbookNotReadable,
        WorkbookEncrypted,
        WorkbookEmpty,
        WorkbookTooLarge,
        WorkbookCorrupt,
        WorkbookNoTable,
        WorkbookHasMacros,
        WorkbookUnsupported,
    )
}
