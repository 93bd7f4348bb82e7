from gateway.export.layout import NotAnExport
from gateway.export.run import Exported, export

__all__ = ["Exported", "NotAnExport", "export"]
