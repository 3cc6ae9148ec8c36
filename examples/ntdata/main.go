// Command ntdata shows how data goes over a connection, call by call: the second
// sequence of NT's LPC. It prints one line for each step.
//
// Server and client are two threads of this process; in two processes the calls are
// the same.
package main

import (
	"errors"
	"fmt"

	"github.com/seed-eedd8485/lpc/examples/internal/steps"
	"github.com/seed-eedd8485/lpc/nt"
)

func main() { steps.Main("ntdata", data) }

func data(p *steps.Printer, server, client *nt.Thread) error {
	port, toClient, toServer, err := connect(server, client)
	if err != nil {
		return err
	}
	defer server.NtClose(port)
	defer server.NtClose(toClient)

	var request nt.Message
	receive, err := p.Blocks("server", "NtReplyWaitReceivePort", server, func() nt.Status {
		return server.NtReplyWaitReceivePort(port, nil, nil, &request)
	})
	if err != nil {
		return err
	}

	var question, answer nt.Message
	question.SetData([]byte("how many bytes in a message?"))
	call, err := p.Blocks("client", "NtRequestWaitReplyPort", client, func() nt.Status {
		return client.NtRequestWaitReplyPort(toServer, &question, &answer)
	})
	if err != nil {
		return err
	}
	if err := p.Returns(receive, func() string { return fmt.Sprintf("the request %q", request.Data()) }); err != nil {
		return err
	}

	// The reply has the request's ClientId and MessageId; the next message may come
	// into the same buffer.
	request.SetData(fmt.Append(nil, nt.MaxDataLength))
	receive, err = p.Blocks("server", "NtReplyWaitReceivePort with the reply", server, func() nt.Status {
		return server.NtReplyWaitReceivePort(port, nil, &request, &request)
	})
	if err != nil {
		return err
	}
	if err := p.Returns(call, func() string { return fmt.Sprintf("the reply %q", answer.Data()) }); err != nil {
		return err
	}

	// The client goes; the server is told, as the next message.
	if err := client.NtClose(toServer).Err(); err != nil {
		return err
	}
	return p.Returns(receive, func() string {
		if request.Type == nt.LPCPortClosed {
			return "LPC_PORT_CLOSED: the client has gone"
		}
		return fmt.Sprintf("a message of type %d", request.Type)
	})
}

// connect is what examples/ntconnect shows step by step.
func connect(server, client *nt.Thread) (port, toClient, toServer nt.Handle, err error) {
	name := `\RPC Control\ntdata`
	s := server.NtCreatePort(&port, &nt.ObjectAttributes{ObjectName: &name}, 0, nt.MaxMessageLength, 0)
	if s != nt.StatusSuccess {
		return 0, 0, 0, s
	}
	connected := make(chan nt.Status)
	go func() {
		qos := nt.SecurityQualityOfService{Length: 12, ImpersonationLevel: nt.SecurityImpersonation, EffectiveOnly: 1}
		connected <- client.NtConnectPort(&toServer, &name, &qos, nil, nil, nil, nil, nil)
	}()
	var request nt.Message
	err = errors.Join(
		server.NtListenPort(port, &request).Err(),
		server.NtAcceptConnectPort(&toClient, 0, &request, true, nil, nil).Err(),
		server.NtCompleteConnectPort(toClient).Err())
	if err != nil {
		server.NtClose(port) // the client's call returns
	}
	return port, toClient, toServer, errors.Join(err, (<-connected).Err())
}
