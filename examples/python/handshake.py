#!/usr/bin/env python3
"""handshake: a connection and a request, step by step, from Python.

    handshake.py              server and client as two threads of one process
    handshake.py server NAME  the server
    handshake.py client NAME  the client

liblpc.so is looked for where the system keeps libraries; LPC_LIBRARY names another.
"""
import ctypes
import os
import sys
import threading

lpc = ctypes.CDLL(os.environ.get("LPC_LIBRARY", "liblpc.so"))
lpc.lpc_status_name.restype = ctypes.c_char_p

PORT_MAXIMUM_DATA_LENGTH = 0x130
LPC_REQUEST, LPC_PORT_CLOSED = 1, 5


class UnicodeString(ctypes.Structure):
    _fields_ = [("Length", ctypes.c_uint16), ("MaximumLength", ctypes.c_uint16), ("Buffer", ctypes.c_void_p)]


class ObjectAttributes(ctypes.Structure):
    _fields_ = [
        ("Length", ctypes.c_uint32),
        ("RootDirectory", ctypes.c_void_p),
        ("ObjectName", ctypes.POINTER(UnicodeString)),
        ("Attributes", ctypes.c_uint32),
        ("SecurityDescriptor", ctypes.c_void_p),
        ("SecurityQualityOfService", ctypes.c_void_p),
    ]


class SecurityQualityOfService(ctypes.Structure):
    _fields_ = [
        ("Length", ctypes.c_uint32),
        ("ImpersonationLevel", ctypes.c_uint32),
        ("ContextTrackingMode", ctypes.c_uint8),
        ("EffectiveOnly", ctypes.c_uint8),
    ]


class Message(ctypes.Structure):
    """PORT_MESSAGE with room for the most data."""

    _fields_ = [
        ("DataLength", ctypes.c_uint16),
        ("TotalLength", ctypes.c_uint16),
        ("Type", ctypes.c_uint16),
        ("DataInfoOffset", ctypes.c_uint16),
        ("UniqueProcess", ctypes.c_void_p),
        ("UniqueThread", ctypes.c_void_p),
        ("MessageId", ctypes.c_uint32),
        ("CallbackId", ctypes.c_size_t),
        ("Data", ctypes.c_uint8 * PORT_MAXIMUM_DATA_LENGTH),
    ]
    HEADER = 0x28

    @property
    def text(self):
        return bytes(self.Data[: self.DataLength]).decode()

    @text.setter
    def text(self, text):
        data = text.encode()
        self.Data[: len(data)] = data
        self.DataLength, self.TotalLength = len(data), self.HEADER + len(data)


def call(name, *args):
    """Make a call, which must succeed. Other threads run meanwhile."""
    status = getattr(lpc, name)(*args)
    if status != 0:
        sys.exit(f"handshake: {name}: {lpc.lpc_status_name(status).decode()}")


def unicode_string(text):
    data = ctypes.create_string_buffer(text.encode("utf-16-le"))
    u = UnicodeString(len(data) - 1, len(data), ctypes.cast(data, ctypes.c_void_p))
    u.keep = data
    return u


def say(line):
    sys.stdout.write(line + "\n")  # in one piece: two threads speak
    sys.stdout.flush()


def create(name):
    port, u = ctypes.c_void_p(), unicode_string(name)
    oa = ObjectAttributes(ctypes.sizeof(ObjectAttributes), None, ctypes.pointer(u), 0x40, None, None)
    call("NtCreatePort", ctypes.byref(port), ctypes.byref(oa), 0x104, ctypes.sizeof(Message), 0)
    say("server: NtCreatePort")
    return port


def serve(port):
    m, client = Message(), ctypes.c_void_p()
    say("server: NtListenPort, waits")
    call("NtListenPort", port, ctypes.byref(m))
    say(f'server: NtListenPort returns a connection request: "{m.text}"')
    m.text = "welcome"
    call("NtAcceptConnectPort", ctypes.byref(client), None, ctypes.byref(m), 1, None, None)
    say("server: NtAcceptConnectPort")
    say("server: NtCompleteConnectPort")
    call("NtCompleteConnectPort", client)

    say("server: NtReplyWaitReceivePort, waits")
    call("NtReplyWaitReceivePort", port, None, None, ctypes.byref(m))
    assert m.Type == LPC_REQUEST
    say(f'server: NtReplyWaitReceivePort returns a request: "{m.text}"')
    m.text = "four"
    say("server: NtReplyWaitReceivePort with the reply, waits")
    call("NtReplyWaitReceivePort", port, None, ctypes.byref(m), ctypes.byref(m))
    assert m.Type == LPC_PORT_CLOSED
    say("server: NtReplyWaitReceivePort returns LPC_PORT_CLOSED")
    call("NtClose", client)
    call("NtClose", port)


def connect(name):
    qos = SecurityQualityOfService(ctypes.sizeof(SecurityQualityOfService), 2, 0, 1)
    port, most, u = ctypes.c_void_p(), ctypes.c_uint32(), unicode_string(name)
    info = ctypes.create_string_buffer(b"let me in")
    length = ctypes.c_uint32(len(info.value))
    say("client: NtConnectPort, waits")
    call("NtConnectPort", ctypes.byref(port), ctypes.byref(u), ctypes.byref(qos), None, None,
         ctypes.byref(most), info, ctypes.byref(length))
    say(f'client: NtConnectPort returns: "{info.raw[:length.value].decode()}", messages of at most {most.value:#x} bytes')

    m = Message()
    m.text = "two and two"
    say("client: NtRequestWaitReplyPort, waits")
    call("NtRequestWaitReplyPort", port, ctypes.byref(m), ctypes.byref(m))
    say(f'client: NtRequestWaitReplyPort returns the reply: "{m.text}"')
    say("client: NtClose")
    call("NtClose", port)


def main():
    if len(sys.argv) == 3 and sys.argv[1] == "server":
        serve(create(sys.argv[2]))
    elif len(sys.argv) == 3 and sys.argv[1] == "client":
        connect(sys.argv[2])
    else:
        name = "\\Example\\Handshake"
        port = create(name)
        client = threading.Thread(target=connect, args=(name,))
        client.start()
        serve(port)
        client.join()


main()
