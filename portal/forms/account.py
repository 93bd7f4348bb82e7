"""Sign in, change password."""

from django.contrib.auth.forms import AuthenticationForm, PasswordChangeForm


class SignInForm(AuthenticationForm):
    """Name and password. What is wrong is never said more exactly than "name or password"."""

    error_messages = {
        "invalid_login": "The user name or the password is wrong. Both are sensitive to upper and lower case.",
        "inactive": "The user name or the password is wrong. Both are sensitive to upper and lower case.",
    }

    def __init__(self, *args: object, **kwargs: object) -> None:
        super().__init__(*args, **kwargs)  # type: ignore[arg-type]
        self.fields["username"].label = "User name"


class ChangePasswordForm(PasswordChangeForm):
    """The current password, and the new one twice."""

    def __init__(self, *args: object, **kwargs: object) -> None:
        super().__init__(*args, **kwargs)  # type: ignore[arg-type]
        self.fields["old_password"].label = "Current password"
        self.fields["new_password2"].label = "New password, once more"
        self.fields[
            "new_password1"
        ].help_text = (
            "At least 12 characters. Not only digits, not one of the common passwords, not like your name."
        )
        self.fields["new_password2"].help_text = ""
