"""The lists of the back office as data: filters, search and columns, for pages and workbooks."""
