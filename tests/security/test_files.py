"""Nothing outside web.root is served, however the path is written, and nothing in it that is hidden."""
import itertools
import os

import pytest

SECRET = b"what nobody may read"


@pytest.fixture(scope="module")
def root(folder):
    """A folder of files beside secrets, with links that lead out of it."""
    path = f"{folder}/web"
    os.makedirs(f"{path}/sub")
    os.makedirs(f"{folder}/web-secret")
    for name in ("secret.txt", "web-secret/secret.txt", "web/.env", "web/sub/.htpasswd"):
        with open(f"{folder}/{name}", "wb") as file:
            file.write(SECRET)
    for name in ("index.html", "sub/index.html", "sub/page.html"):
        with open(f"{path}/{name}", "wb") as file:
            file.write(b"<p>hello")
    os.symlink("../secret.txt", f"{path}/relative.txt")
    os.symlink(f"{folder}/secret.txt", f"{path}/absolute.txt")
    os.symlink("/etc", f"{path}/etc")
    os.symlink("../web-secret", f"{path}/beside")
    os.symlink("sub/page.html", f"{path}/inside.html")
    os.symlink("loop", f"{path}/loop")
    os.mkfifo(f"{path}/pipe")
    return path


@pytest.fixture(scope="module")
def gateway_config(root):
    return {"WEB_ROOT": root}


def test_files_of_the_folder_are_served(gateway):
    for target in ("/", "/index.html", "/sub/", "/sub/page.html", "/inside.html", "/sub/index.html"):
        response = gateway.get(target)
        assert (response.status, response.body) == (200, b"<p>hello"), target
        assert response.header("X-Content-Type-Options") == "nosniff"


# One step up and one separator, in every way that some server has decoded.
UP = ["..", "%2e%2e", ".%2e", "%2E.", "%252e%252e", "%c0%ae%c0%ae", "%e0%80%ae%e0%80%ae", "%u002e%u002e", "..;", "..;x=1", "...", "..%00", "..%20",
      "..%09", "%2e%2e%2e", "\uff0e\uff0e"]
SEPARATORS = ["/", "%2f", "%2F", "\\", "%5c", "%255c", "%252f", "%c0%af", "//", "/./", "%e2%88%95", "%u2215"]


@pytest.mark.parametrize("up", UP, ids=ascii)
def test_no_way_of_writing_it_leads_out(gateway, up):
    with gateway.connect() as connection:
        for separator, depth, start in itertools.product(SEPARATORS, (1, 2, 8), ("/", "//", "/sub/", "/%2f")):
            for goal in ("secret.txt", f"web-secret{separator}secret.txt", f"etc{separator}passwd"):
                target = (start + (up + separator) * depth + goal).encode("utf-8").decode("latin-1")
                try:
                    response = connection.request("GET", target)
                except AssertionError:  # it closes after what is no request
                    connection.__init__(gateway.address)
                    continue
                assert response.status in (400, 404), (target, response)
                assert SECRET not in response.body and b"root:" not in response.body
                if response.header("Connection") == "close":
                    connection.close()
                    connection.__init__(gateway.address)


@pytest.mark.parametrize("target", ["/relative.txt", "/absolute.txt", "/etc/passwd", "/beside/secret.txt", "/loop", "/loop/x", "/pipe", "/.env",
                                    "/sub/.htpasswd", "/%2eenv", "/sub/%2ehtpasswd", "/.", "/..", "/sub/..", "/index.html%00", "/index.html%00.png",
                                    "/index.html/", "/index.html/x", "/%00", "/" + "a" * 5000, "/" + "a/" * 2000, "/web-secret/secret.txt",
                                    "/sub", "/file:///etc/passwd", "/con", "/index.html::$DATA", "/~root", "/index.html%0d%0aX-Injected:%20x"])
def test_what_is_hidden_or_leads_out_is_not_there(gateway, target):
    response = gateway.get(target)
    assert response.status in (400, 404) or (target == "/sub" and response.body == b"<p>hello"), response
    assert SECRET not in response.body and response.header("X-Injected") is None


def test_a_target_that_is_no_path_is_refused(gateway):
    for target in ("http://127.0.0.1/../secret.txt", "file:///etc/passwd", "*", "secret.txt", "../secret.txt", "?x", "/a b"):
        assert gateway.get(target).status in (400, 404), target


def test_files_are_only_read(gateway, root):
    for method in ("PUT", "POST", "DELETE", "PATCH", "MKCOL", "TRACE", "PROPFIND", "CONNECT"):
        assert gateway.request(method, "/new.html", b"x").status in (400, 404, 405, 501), method
    assert not os.path.exists(f"{root}/new.html")
    assert gateway.get("/index.html").status == 200


def test_a_head_request_tells_no_more(gateway):
    for target in ("/absolute.txt", "/.env", "/etc/passwd"):
        assert gateway.request("HEAD", target).status == 404
