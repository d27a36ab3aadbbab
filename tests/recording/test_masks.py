"""No key and no secret stays; what stands in their place has their form and length; all else is as it was sent."""

import json
import re
from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sched_emulator.recording.masks import Forms, Masks
from sched_emulator.recording.names import is_secret, may_name_a_secret
from tests.costs import cheaper

KEY = "ifr_live_8Jk2PqZ7"


def test_a_mask_has_the_form_and_the_length_of_the_secret() -> None:
    masks = Masks()
    mask = masks.secret("whsec_aB3+/x9=")
    assert mask.startswith("whsec_")
    kinds = [(sign.islower(), sign.isupper(), sign.isdigit()) for sign in mask]
    assert kinds == [(sign.islower(), sign.isupper(), sign.isdigit()) for sign in "whsec_aB3+/x9="]
    assert not set(zip(mask[6:], "aB3+/x9=", strict=True)) & {(sign, sign) for sign in "aB3x9"}
    assert masks.secret("whsec_aB3+/x9=") == mask


def test_equal_secrets_have_equal_masks_in_one_recording_and_others_in_another() -> None:
    first, second = Masks(), Masks()
    assert first.secret(KEY) == first.secret(KEY)
    assert first.secret(KEY) != second.secret(KEY)


@given(st.text(max_size=60))
def test_a_mask_is_as_long_as_its_secret(secret: str) -> None:
    assert len(Masks().secret(secret)) == len(secret)


def test_headers_keep_their_names_and_schemes() -> None:
    masks = Masks()
    given_headers = (("Authorization", f"Bearer {KEY}"), ("X-Api-Key", "abc123"), ("Accept", "*/*"), ("Cookie", "a=b1"))
    mask = masks.secret(KEY)
    assert masks.headers(given_headers) == (
        ("Authorization", f"Bearer {mask}"),
        ("X-Api-Key", masks.secret("abc123")),
        ("Accept", "*/*"),
        ("Cookie", masks.secret("a=b1")),
    )


@pytest.mark.parametrize(
    "text",
    [
        '{ "queue" : "orders",  "payload": {"n": 1.50, "n": 2, "é": "\\u00e9"} }',
        '{"task_url": "https://api.acme.com/weekly?n=1&m=2", "tokens": 5}',
        "queue=orders&n=1",
        "",
        "[1, 2",
        '"',
        '{"a": "',
    ],
)
def test_a_text_without_secrets_stays_as_it_was_sent(text: str) -> None:
    assert Masks().text(text) == text


SECRET = "S3cret-of-mine-42"  # noqa: S105 - nobody's


@pytest.mark.parametrize(
    "text",
    [
        f'{{"secret":"{SECRET}"}}',
        f'{{"secret": "{SECRET}',  # cut off
        f'{{"headers": {{"X-Api-Key": "{SECRET}"}}, "n": 1}}',
        f'{{"password": ["{SECRET}", {{"x": "{SECRET}"}}]}}',
        f'{{"sec\\u0072et": "{SECRET}"}}',
        f'{{"v":"x",":secret":"{SECRET}"}}',
        f'{{"payload": "{{\\"password\\": \\"{SECRET}\\"}}"}}',  # JSON within JSON
        f'{{"url": "https://api.acme.com/x?n=1&token={SECRET}#top"}}',
        f'{{"url": "https://api.acme.com/x?n=1\\u0026token={SECRET}"}}',
        f'{{"url": "https://user:{SECRET}@api.acme.com/x"}}',
        f"queue=orders&secret={SECRET}&n=1",
        f"secret={SECRET}",
    ],
)
def test_a_secret_is_found_by_its_name_wherever_it_stands(text: str) -> None:
    masks = Masks()
    masked = masks.text(text)
    assert SECRET not in masked
    assert masked == text.replace(SECRET, masks.secret(SECRET))


def test_a_number_that_is_a_secret_becomes_another_of_its_form() -> None:
    masked = Masks().text('{"pin": 4711, "token": true, "secret": null, "auth": [-12.5e-3]}')
    assert re.fullmatch(r'{"pin": [1-9]\d{3}, "token": true, "secret": null, "auth": \[-[1-9]\d\.\de-\d\]}', masked)
    assert "4711" not in masked
    for _ in range(30):
        json.loads(Masks().text('{"pin": 4711}'))


def test_a_known_secret_is_found_without_its_name() -> None:
    masks = Masks()
    mask, other = masks.secret(KEY), masks.secret(SECRET)
    assert masks.text(f"the key {KEY} is none, {SECRET} neither") == f"the key {mask} is none, {other} neither"
    assert masks.url(f"/v1/x/{KEY}") == f"/v1/x/{mask}"
    assert masks.headers((("X-Echo", KEY),)) == (("X-Echo", mask),)
    assert masks.body(b"\xff" + KEY.encode()) == b"\xff" + mask.encode()


def test_a_secret_that_may_be_a_word_is_not_looked_for_elsewhere() -> None:
    masks = Masks()
    assert masks.text('{"password": "orders"}') != '{"password": "orders"}'
    assert masks.text('{"queue": "orders"}') == '{"queue": "orders"}'


def test_redacted_fields_keep_equality_whatever_they_are() -> None:
    masks = Masks(redact=["email", "customer"])
    text = '{"payload": {"email": "a@b.c", "customer": {"x": 1, "y": [2]}, "n": 1}, "again": '
    masked = json.loads(masks.text(text + '{"customer": {"y":[2],"x":1}}}'))
    email, customer = masked["payload"]["email"], masked["payload"]["customer"]
    assert masked == {"payload": {"email": email, "customer": customer, "n": 1}, "again": {"customer": customer}}
    assert (email[:9], len(email), email != customer) == ("redacted:", 41, True)
    assert json.loads(masks.text('{"email": "a@b.c"}'))["email"] == email
    assert Masks(redact=["email"]).text('{"email": "a@b.c"}') != masks.text('{"email": "a@b.c"}')


def test_where_a_field_cannot_be_found_the_whole_body_is_redacted() -> None:
    masks = Masks(redact=["email"])
    assert masks.url("/x?email=a%40b.c&n=1").startswith("/x?email=redacted:")
    assert masks.text("email=a%40b.c&n=1").endswith("&n=1")
    assert "a@b.c" not in masks.text("email=a%40b.c") + masks.text("<p>a@b.c</p>") + masks.text('{"email": "a@b.c')
    redacted = masks.body(b"\xff a@b.c")
    assert isinstance(redacted, str)
    assert redacted.startswith("redacted:")
    assert masks.text("") == ""


@given(
    st.text(max_size=40), st.sampled_from(["secret", "API_Key", "pass-Word", "X.Auth", "pin", "id_to ken", "séssion"])
)
def test_where_the_quick_look_finds_no_name_of_a_secret_none_is(text: str, name: str) -> None:
    for candidate in (text, f"{text}{name}", f"{name[:3]}{text}{name[3:]}"):
        if is_secret(candidate):
            written = json.dumps({candidate: 1}, ensure_ascii=False).lower().encode(errors="replace")
            assert may_name_a_secret(written)


@given(st.text(min_size=1, max_size=40))
def test_of_texts_that_differ_in_secrets_alone_the_forms_are_equal(secret: str) -> None:
    text = json.dumps({"secret": secret, "n": 1}, ensure_ascii=False)
    forms = Forms()
    assert forms.text(Masks().text(text)) == forms.text(text)
    assert forms.text(text) != forms.text(text.replace("1}", "2}"))


def test_the_quick_look_at_many_texts_misses_nothing_that_a_closer_one_hides() -> None:
    masks = Masks()
    masks.secret("ifr_live_8Jk2PqZ7")
    masks.secret("S3cret-of-mine-42")
    clean = [b'{"queue":"orders","payload":{"n":1}}', b"/v1/queue/list"]
    assert masks.has_nothing_in(clean)
    hiding = [b'{"apiKey":1}', b"?token=x", b"https://u:p@h", b"the ifr_x", b"S3cret-of-mine-42", b'"\\u0074oken"']
    assert [masks.has_nothing_in([*clean, text]) for text in hiding] == [False] * len(hiding)
    assert not Masks(["n"]).has_nothing_in(clean)


@pytest.mark.parametrize(
    "text",
    [
        '\ufeff{"password": "s3cr3tX"}',
        'data: {"token": "s3cr3tX"}\n\n',
        "https://api.acme.com/back#access_token=s3cr3tX",
        '{"form": "password=s3cr3tX&n=1"}',
        '--b\r\nContent-Disposition: form-data; name="password"\r\n\r\ns3cr3tX\r\n--b--\r\n',
    ],
)
def test_a_secret_is_found_by_its_name_in_whatever_form_a_body_has(text: str) -> None:
    masked = Masks().text(text)
    assert "s3cr3tX" not in masked
    assert len(masked) == len(text)


def test_a_secret_is_found_in_bytes_that_are_no_utf_8() -> None:
    masks, secret = Masks(), "s3cr3tX\u00e9"
    body = f'{{"password": "{secret}", "other": 1}}'.encode("latin-1")
    assert masks.body(body) == f'{{"password": "{masks.secret(secret)}", "other": 1}}'.encode()


def test_a_key_that_nobody_has_sent_is_found_wherever_it_stands() -> None:
    masks = Masks()
    mask = masks.secret(KEY)
    assert Masks().text('{"note": "use ifr_test_9Zz, not ifr_"}') != '{"note": "use ifr_test_9Zz, not ifr_"}'
    assert masks.text(f'{{"note": "{KEY} twice: {KEY}"}}') == f'{{"note": "{mask} twice: {mask}"}}'
    assert masks.url("/ifr_test_9Zz") == "/" + masks.secret("ifr_test_9Zz")
    assert masks.headers((("X-Infrai-Key", "ifr_test_9Zz"),)) == (("X-Infrai-Key", masks.secret("ifr_test_9Zz")),)
    assert masks.body(b"\xff ifr_test_9Zz") == b"\xff " + masks.secret("ifr_test_9Zz").encode()


@pytest.mark.parametrize("wrong", [r"\ud83d", r"\q", "\x01", r"\u12"])
def test_what_is_wrong_in_a_secret_stays_wrong_in_place(wrong: str) -> None:
    text = f'{{"password": "ab{wrong}yz"}}'
    masked = Masks().text(text)
    assert len(masked) == len(text)
    assert masked != text
    assert masked[16:].startswith(wrong[:2])


def test_a_mask_is_written_as_its_secret_was() -> None:
    masked = Masks().text(r'{"password": "\u0041\/b\n"}')
    assert re.fullmatch(r'\{"password": "\\u00[45][0-9a-f]\\/[a-z]\\n"\}', masked) is not None


ENDLESS = {
    "parts without a value": "name=x\n",
    "one name": "name=x",
    "signs that begin a parameter": ";",
    "parameters without a value": ";a",
    "quotes": '"',
    "backslashes": "\\",
    "the beginnings of URLs": "://a:",
    "blank lines": "\r\n\r\n",
}


@pytest.mark.parametrize("piece", ENDLESS.values(), ids=ENDLESS)
def test_what_hiding_costs_grows_with_the_length_of_a_text_alone(piece: str) -> None:
    def hiding(times: int) -> Callable[[], object]:
        masks, text = Masks(), "form-data; = " + piece * times
        return lambda: masks.text(text)

    assert cheaper(hiding(16_000), hiding(2000), times=24)  # 8 where it is so, 64 where each sign costs as much as all


def test_of_each_part_of_a_form_that_is_a_secret_the_value_is_hidden() -> None:
    parts = {"note": "a=b\r\n\r\nname=c", "password": "s3cr3tX", "file": "no\nsecret", "token": ""}
    head = '--b\r\nContent-Disposition: form-data; name="{}"\r\nX: y\r\n\r\n'
    text = "".join(f"{head.format(name)}{value}\r\n" for name, value in parts.items())
    masks = Masks()
    assert masks.text(text + "--b--\r\n") == text.replace("s3cr3tX", masks.secret("s3cr3tX")) + "--b--\r\n"
