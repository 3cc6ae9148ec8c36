// Command ntconnect shows how a connection comes about, call by call: the first
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

func main() { steps.Main("ntconnect", connect) }

func connect(p *steps.Printer, server, client *nt.Thread) error {
	name := `\RPC Control\ntconnect`
	var port nt.Handle
	s := server.NtCreatePort(&port, &nt.ObjectAttributes{ObjectName: &name}, nt.MaxConnectionInfo, nt.MaxMessageLength, 0)
	if err := p.Do("server", "NtCreatePort "+name, s); err != nil {
		return err
	}
	defer server.NtClose(port)

	var request nt.Message
	listen, err := p.Blocks("server", "NtListenPort", server, func() nt.Status {
		return server.NtListenPort(port, &request)
	})
	if err != nil {
		return err
	}

	var toServer nt.Handle
	info := []byte("it is me")
	length := uint32(len(info))
	qos := nt.SecurityQualityOfService{Length: 12, ImpersonationLevel: nt.SecurityImpersonation, EffectiveOnly: 1}
	dial, err := p.Blocks("client", "NtConnectPort", client, func() nt.Status {
		return client.NtConnectPort(&toServer, &name, &qos, nil, nil, nil, info, &length)
	})
	if err != nil {
		return err
	}

	if err := p.Returns(listen, func() string {
		return fmt.Sprintf("the connection request, which says %q", request.Data())
	}); err != nil {
		return err
	}

	var toClient nt.Handle
	s = server.NtAcceptConnectPort(&toClient, 0, &request, true, nil, nil)
	if err := p.Do("server", "NtAcceptConnectPort", s); err != nil {
		return err
	}
	if err := p.Do("server", "NtCompleteConnectPort", server.NtCompleteConnectPort(toClient)); err != nil {
		return err
	}
	if err := p.Returns(dial, func() string { return "its handle" }); err != nil {
		return err
	}
	return errors.Join(client.NtClose(toServer).Err(), server.NtClose(toClient).Err())
}
