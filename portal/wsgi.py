"""The portal's entry point for a WSGI server."""

import os

from django.core.wsgi import get_wsgi_application

from portal.whole_bodies import whole_bodies

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "portal.settings")

application = whole_bodies(get_wsgi_application())
