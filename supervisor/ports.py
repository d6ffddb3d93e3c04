"""The web server's port: free or not, and whether the system behind it is ready."""

from __future__ import annotations

import errno
import http.client
import ipaddress
import json
import socket

from backoffice.i18n import Text
from supervisor.console import SupervisorError


class PortTaken(SupervisorError):
    """Another program listens on the port."""

    code = "port_taken"
    title = Text("端口被占用", "The port is taken")
    detail = Text(
        "端口 {port} 已被其他程序占用，请换一个端口再启动，例如：make up PORT={other}",
        "Port {port} is taken by another program; start on another one, for example: "
        "make up PORT={other}",
    )


class PortUnusable(SupervisorError):
    """The address or port cannot be listened on at all."""

    code = "port_unusable"
    title = Text("无法监听该地址", "The address cannot be used")
    detail = Text(
        "无法在 {host}:{port} 上监听（{reason}），请更改 HOST 或 PORT 后重试。",
        "Cannot listen on {host}:{port} ({reason}); change HOST or PORT, then retry.",
    )


class DemoNotLoopback(SupervisorError):
    """Demo mode, with its published log-ins, must not be reachable from outside."""

    code = "demo_not_loopback"
    title = Text("演示模式只能在本机使用", "Demo mode is for this machine only")
    detail = Text(
        "演示模式（APP_ENV=demo）只允许监听本机地址，HOST={host} 不可用；"
        "对外服务请设 APP_ENV=production。",
        "Demo mode (APP_ENV=demo) listens on loopback only, so HOST={host} is refused; "
        "set APP_ENV=production to serve others.",
    )


def require_loopback(host: str) -> None:
    """Raise DemoNotLoopback unless `host` is this machine's own address."""
    if host == "localhost":
        return
    try:
        loopback = ipaddress.ip_address(host).is_loopback
    except ValueError:
        loopback = False
    if not loopback:
        raise DemoNotLoopback(host=host)


def require_free(host: str, port: int) -> None:
    """Raise PortTaken or PortUnusable unless a server could listen on `host`:`port` now."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    try:
        with socket.socket(family, socket.SOCK_STREAM) as probe:
            # As the web server does, so that closed connections of the last run do not count.
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            probe.bind((host, port))
            probe.listen(1)
    except (OSError, OverflowError) as error:
        if isinstance(error, OSError) and error.errno == errno.EADDRINUSE:
            raise PortTaken(port=port, other=port + 1 if port < 65535 else 8000) from None
        reason = getattr(error, "strerror", None) or str(error)
        raise PortUnusable(host=host, port=port, reason=reason) from None


def readiness(host: str, port: int) -> tuple[bool, str]:
    """Ask the running web server; return whether it is ready and, if not, what it answered.

    /readyz looks at database, queue, storage and models (CONTRACT section 4).
    """
    target = {"0.0.0.0": "127.0.0.1", "::": "::1"}.get(host, host)  # noqa: S104 - compared only
    connection = http.client.HTTPConnection(target, port, timeout=5)
    try:
        connection.request("GET", "/readyz")
        answer = connection.getresponse()
        body = answer.read(2000).decode(errors="replace").strip()
    except (OSError, http.client.HTTPException) as error:
        return False, type(error).__name__
    finally:
        connection.close()
    return answer.status == http.client.OK, f"{answer.status} {_one_line(body)}"


def _one_line(body: str) -> str:
    try:
        return json.dumps(json.loads(body), ensure_ascii=False)
    except ValueError:
        return " ".join(body.split())[:200]
