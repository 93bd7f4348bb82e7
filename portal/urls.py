"""The portal's addresses. A page's name, its view, its template and its test share one name."""

from django.contrib import admin
from django.urls import path

urlpatterns = [
    path("admin/", admin.site.urls),
]
