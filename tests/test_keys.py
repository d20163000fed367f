"""Files of CURVE keys: who can read them, what is in them, and what is told of those that are of no use."""

from __future__ import annotations

import os
import stat
from pathlib import Path

import pytest
import zmq
import zmq.auth

from command import called
from crumple.errors import UsageError
from crumple.live import keys
from crumple.live.keys import KeyFileError, new_pair, read_public, read_secret

# the test vectors of libzmq's manual
PUBLIC = "Yne@$w-vo<fVvi]a<NY6T1ed:M$fCG*[IaLV{hID"
SECRET = "D:)Q[IlAW!ahhC2ac:9*A}h:p?([4%wOTJ%JR%cs"
CERTIFICATE = f'#   who\n\nmetadata\n    by = "hand"\ncurve\n    public-key = "{PUBLIC}"\n'

posix = pytest.mark.skipif(os.name != "posix", reason="permissions are those of POSIX")


def certificate(folder: Path, text: str, *, name: str = "rig.key", mode: int = 0o600) -> Path:
    path = folder / name
    path.write_text(text, encoding="utf-8")
    path.chmod(mode)
    return path


def refused(path: Path, *, secret: bool = False) -> str:
    """What is said of a file that cannot be used, without its name."""
    with pytest.raises(KeyFileError) as caught:
        (read_secret if secret else read_public)(path)
    assert str(caught.value) == f"{path} {caught.value.fact}"
    return caught.value.fact


# ---- a new pair


def test_a_new_pair_reads_back_and_belongs_together(tmp_path: Path) -> None:
    files = new_pair("bench", folder=tmp_path / "keys")
    assert (files.public.name, files.secret.name) == ("bench.key", "bench.key_secret")
    public, secret = read_secret(files.secret)
    assert read_public(files.public) == public
    assert zmq.curve_public(secret.encode()).decode() == public
    assert secret not in files.public.read_text()


def test_no_two_pairs_are_alike(tmp_path: Path) -> None:
    pairs = [new_pair(name, folder=tmp_path) for name in ("a", "b")]
    assert len({read_public(pair.public) for pair in pairs}) == 2


@posix
def test_the_secret_is_readable_by_its_owner_alone_whatever_the_mask(tmp_path: Path) -> None:
    before = os.umask(0)
    try:
        files = new_pair("bench", folder=tmp_path / "keys")
    finally:
        os.umask(before)
    assert stat.S_IMODE(files.secret.stat().st_mode) == 0o600
    assert stat.S_IMODE(files.secret.parent.stat().st_mode) == 0o700
    assert sorted(path.name for path in files.secret.parent.iterdir()) == [
        ".gitignore",
        "bench.key",
        "bench.key_secret",
    ]


def test_a_pair_is_never_replaced_without_being_asked(tmp_path: Path) -> None:
    files = new_pair("bench", folder=tmp_path)
    before = [path.read_text() for path in files]
    with pytest.raises(UsageError, match=r"is there already.*--force"):
        new_pair("bench", folder=tmp_path)
    files.public.unlink()
    with pytest.raises(UsageError, match=r"key_secret is there already"):
        new_pair("bench", folder=tmp_path)
    assert files.secret.read_text() == before[1]
    new_pair("bench", folder=tmp_path, force=True)
    assert files.secret.read_text() != before[1]
    assert read_secret(files.secret)[0] == read_public(files.public)


def test_a_link_that_leads_nowhere_is_not_written_through(tmp_path: Path) -> None:
    (tmp_path / "bench.key_secret").symlink_to(tmp_path / "elsewhere")
    with pytest.raises(UsageError, match="is there already"):
        new_pair("bench", folder=tmp_path)
    new_pair("bench", folder=tmp_path, force=True)
    assert not (tmp_path / "elsewhere").exists()


@pytest.mark.parametrize("name", ["", "a/b", "../a", ".a", "-a", "a b", "ä"])
def test_a_name_that_is_no_file_name_is_refused(tmp_path: Path, name: str) -> None:
    with pytest.raises(UsageError, match="cannot be a name of keys"):
        new_pair(name, folder=tmp_path)
    assert list(tmp_path.iterdir()) == []


def test_nothing_is_left_of_a_pair_that_cannot_be_written(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write = keys._write

    def only_secrets(file: Path, text: str, *, mode: int, force: bool) -> None:
        if file.name.endswith(".key"):
            raise OSError(28, "No space left on device")
        write(file, text, mode=mode, force=force)

    monkeypatch.setattr(keys, "_write", only_secrets)
    with pytest.raises(UsageError, match="No space left on device"):
        new_pair("bench", folder=tmp_path)
    assert list(tmp_path.iterdir()) == []


def test_a_folder_that_cannot_be_made_is_told(tmp_path: Path) -> None:
    certificate(tmp_path, "", name="keys")
    with pytest.raises(UsageError, match=r"keys: the keys cannot be written"):
        new_pair("bench", folder=tmp_path / "keys")


# ---- reading


def test_certificates_are_those_of_zeromqs_own_tools(tmp_path: Path) -> None:
    files = new_pair("bench", folder=tmp_path)
    public, secret = zmq.auth.load_certificate(files.secret)
    assert (public.decode(), (secret or b"").decode()) == read_secret(files.secret)
    theirs = zmq.auth.create_certificates(tmp_path, "rig")
    assert read_public(theirs[0]) == zmq.auth.load_certificate(theirs[0])[0].decode()


def test_a_certificate_is_read_whatever_stands_around_its_keys(tmp_path: Path) -> None:
    assert read_public(certificate(tmp_path, CERTIFICATE)) == PUBLIC
    assert read_public(certificate(tmp_path, CERTIFICATE.replace("\n", "\r\n"))) == PUBLIC
    assert read_public(certificate(tmp_path, f"public-key={PUBLIC}", mode=0o644)) == PUBLIC
    both = certificate(tmp_path, f'{CERTIFICATE}    secret-key = "{SECRET}"\n')
    assert read_secret(both) == (PUBLIC, SECRET)


@posix
@pytest.mark.parametrize("mode", [0o640, 0o604, 0o620, 0o644, 0o666])
def test_a_secret_that_others_can_reach_is_refused_with_the_remedy(tmp_path: Path, mode: int) -> None:
    path = certificate(tmp_path, f'{CERTIFICATE}    secret-key = "{SECRET}"\n', mode=mode)
    assert refused(path, secret=True) == (
        f"can be read or written by others (mode {mode:03o}). Run: chmod 600 {path}"
    )


def test_a_secret_is_not_taken_for_a_public_key_nor_the_reverse(tmp_path: Path) -> None:
    files = new_pair("rig", folder=tmp_path)
    assert refused(files.secret).endswith("What is wanted is the public one, rig.key.")
    files.public.chmod(0o600)
    assert refused(files.public, secret=True).endswith("What is wanted is the secret one, rig.key_secret.")


def test_keys_that_do_not_belong_together_are_noticed(tmp_path: Path) -> None:
    other = zmq.curve_keypair()[1].decode()
    path = certificate(tmp_path, f'{CERTIFICATE}    secret-key = "{other}"\n')
    assert "two keys that do not belong together" in refused(path, secret=True)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", "is no file of keys"),
        ("hello\n", "is no file of keys"),
        (f"#public-key = {PUBLIC}\n", "is no file of keys"),
        (f'public-key = "{PUBLIC[:-1]}"', "40 characters of Z85, this has 39"),
        (f'public-key = "{PUBLIC}0"', "40 characters of Z85, this has 41"),
        (f'public-key = "{PUBLIC[:-1]}~"', "40 characters of Z85"),
        (f'public-key = "{"#" * 40}"', "40 characters of Z85"),  # five # are more than 32 bits
        (f"public-key = {PUBLIC}\n" * 2, "more than one public-key"),
        ("\0" * 20_000, "is too long"),
    ],
)
def test_what_is_no_key_is_refused(tmp_path: Path, text: str, said: str) -> None:
    assert said in refused(certificate(tmp_path, text))


def test_places_without_a_file_are_told(tmp_path: Path) -> None:
    assert refused(tmp_path / "rig.key").startswith("does not exist. Get it from the other side")
    assert refused(tmp_path / "ecu.key_secret", secret=True).endswith("`crumple keys new ecu`.")
    assert refused(tmp_path) == "is no file: name one."


@posix
def test_a_pipe_is_not_waited_for(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "rig.key", mode=0o600)
    assert refused(tmp_path / "rig.key", secret=True) == "is no file: name one."


# ---- the command


def test_the_command_makes_a_pair_and_shows_the_public_key_only(tmp_path: Path) -> None:
    made = called("keys", "new", "bench", cwd=tmp_path)
    assert made.code == 0
    assert 'secret = "keys/bench.key_secret"' in made.out
    public, secret = read_secret(tmp_path / "keys" / "bench.key_secret")
    assert public not in made.out and secret not in made.out
    for file in ("bench.key", "bench.key_secret"):
        shown = called("keys", "show", f"keys/{file}", cwd=tmp_path)
        assert (shown.code, shown.out.splitlines()[0]) == (0, public)
        assert secret not in shown.out + shown.err


def test_the_command_tells_what_it_cannot_do_in_one_line(tmp_path: Path) -> None:
    assert called("keys", "new", "bench", "--dir", "there", cwd=tmp_path).code == 0
    again = called("keys", "new", "bench", "--dir", "there", cwd=tmp_path)
    assert (again.code, again.err.count("\n")) == (2, 1)
    assert "there/bench.key is there already" in again.err
    assert called("keys", "new", "bench", "--dir", "there", "--force", cwd=tmp_path).code == 0
    none = called("keys", "show", "none.key", cwd=tmp_path)
    assert (none.code, none.out) == (2, "")
    assert none.err.startswith("crumple: none.key does not exist.")
