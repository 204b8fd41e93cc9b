"""The adapters that the settings switch on."""

from __future__ import annotations

from runtime.settings import Settings
from store.polling_place import PollingPlace
from web.identity import IdentityAdapter
from web.identity.phone_code import FileSender, PhoneCode
from web.identity.signed_link import SignedLink
from web.identity.wechat import WeChat


def adapters(settings: Settings, place: PollingPlace) -> dict[str, IdentityAdapter]:
    """By the name under which voters ask for them."""
    found: list[IdentityAdapter] = []
    if settings.web_link_key:
        found.append(SignedLink(bytes.fromhex(settings.web_link_key)))
    if settings.web_code_file is not None:
        sender = FileSender(settings.web_code_file)
        found.append(PhoneCode(sender, place, settings.web_codes_network_max))
    if settings.web_wechat_app:
        secret = settings.web_wechat_secret.get_secret_value()
        found.append(WeChat(settings.web_wechat_url, settings.web_wechat_app, secret))
    return {adapter.by: adapter for adapter in found}
