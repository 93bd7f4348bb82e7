"""What pages of one client certificate share: the certificate that the address names, its version, the way back."""

from collections.abc import Iterable
from functools import cached_property
from typing import Any

from django.urls import reverse

from gateway.errors import Use
from gateway.models import Certificate, CertificateVersion
from portal.views.certificate_page import CertificateView
from portal.views.certificate_pages import CLIENT
from portal.views.missing import NotThere


def trail(certificate: Certificate | None) -> tuple[tuple[str, str], ...]:
    """The breadcrumb of a page below a certificate, or below the list."""
    crumbs = ((CLIENT.tab, reverse("certificates")),)
    return (
        (*crumbs, (str(certificate), reverse("certificate", args=[certificate.pk])))
        if certificate
        else crumbs
    )


class OneCertificate(CertificateView):
    """Mix this in first for a page about one client certificate and its versions, whose address has `key`."""

    @property
    def current(self) -> CertificateVersion:
        """The version that is in use."""
        version = self.certificate.current
        assert version is not None  # noqa: S101 (never committed without)
        return version

    def read_again(self) -> None:
        """Forget what was read when this request began: somebody has changed it meanwhile."""
        for name in ("certificate", "version"):
            self.__dict__.pop(name, None)

    def context(self) -> dict[str, Any]:
        """The context with the certificate and the way back."""
        inherited: dict[str, Any] = super().context()  # type: ignore[misc]
        return inherited | {
            "certificate": self.certificate,
            "current": self.current,
            "breadcrumb": trail(self.certificate),
            "back": reverse("certificate", args=[self.certificate.pk]),
        }


class VersionView(OneCertificate):
    """Mix this in first for a page of one version of it, whose address has `number`, too."""

    @cached_property
    def version(self) -> CertificateVersion:
        """The version that the address names. Raises NotThere."""
        number = self.kwargs["number"]
        found = self.certificate.versions.filter(number=number).defer("sealed_private_key").first()
        if found is None:
            message = f"{self.certificate} has no version {number} (any more). Somebody may have removed it."
            raise NotThere(message, reverse("certificate", args=[self.certificate.pk]), str(self.certificate))
        return found

    def context(self) -> dict[str, Any]:
        """The context with the version."""
        return super().context() | {"version": self.version}


def follow_words(uses: Iterable[Use]) -> str:
    """Which APIs follow when a certificate changes, as a sentence; "" where none does."""
    uses = tuple(uses)
    if any(use.scope == "global" for use in uses):
        return "Every API follows that has the policy of All APIs."
    names = sorted({use.api_id: use.api_name for use in uses}.values())
    if not names:
        return ""
    return f"{names[0]} follows." if len(names) == 1 else f"{len(names)} APIs follow."


def rewritten_words(uses: Iterable[Use]) -> str:
    """Which policies were rewritten, as a sentence; "" where none was."""
    names = [str(use) for use in uses]
    if not names:
        return ""
    what = f"The policy of {names[0]} was" if len(names) == 1 else f"{len(names)} policies were"
    return f"{what} rewritten to name it by its id."
