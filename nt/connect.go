package nt

import (
	"errors"

	"github.com/seed-eedd8485/lpc/internal/engine"
	"github.com/seed-eedd8485/lpc/security"
	"github.com/seed-eedd8485/lpc/security/access"
)

// NtConnectPort asks a connection port for a connection and waits until the server has
// accepted and completed it, or refused (lpc reference b.3). The connection information
// goes both ways: ConnectionInformationLength is how much of it the client gives, and
// then how much the server has given, at most as much.
func (t *Thread) NtConnectPort(PortHandle *Handle, PortName *string, SecurityQos *SecurityQualityOfService, ClientView *PortView, ServerView *RemotePortView, MaxMessageLength *uint32, ConnectionInformation []byte, ConnectionInformationLength *uint32) Status {
	return t.NtSecureConnectPort(PortHandle, PortName, SecurityQos, ClientView, nil, ServerView, MaxMessageLength, ConnectionInformation, ConnectionInformationLength)
}

// errServerSID: the listener is not who was asked for.
var errServerSID = errors.New("the listener's user is another")

// NtSecureConnectPort is NtConnectPort with the user that must own the port:
// StatusServerSIDMismatch where it is another.
func (t *Thread) NtSecureConnectPort(PortHandle *Handle, PortName *string, SecurityQos *SecurityQualityOfService, ClientView *PortView, ServerSid *access.SID, ServerView *RemotePortView, MaxMessageLength *uint32, ConnectionInformation []byte, ConnectionInformationLength *uint32) Status {
	switch {
	case PortHandle == nil, PortName == nil:
		return StatusAccessViolation
	case ClientView != nil && ClientView.Length != PortViewSize, ServerView != nil && ServerView.Length != RemotePortViewSize:
		return StatusInvalidParameter
	case SecurityQos == nil:
		return StatusAccessViolation
	}
	if t.e.Exiting() {
		return StatusThreadIsTerminating
	}
	name, s := fullName(*PortName)
	if s != StatusSuccess {
		return s
	}
	if SecurityQos.ImpersonationLevel > SecurityImpersonation {
		return StatusBadImpersonationLevel // delegation, or a number beyond
	}
	o := engine.DialOptions{MaxMessage: MaxDataLength, QoS: &engine.QoS{
		Level: security.Level(SecurityQos.ImpersonationLevel), Dynamic: SecurityQos.ContextTrackingMode == SecurityDynamicTracking, EffectiveOnly: SecurityQos.EffectiveOnly != 0,
	}}
	if ServerSid != nil && ServerSid.IsZero() {
		return StatusInvalidSID
	}
	obj := &object{kind: portObject}
	o.Check = func(id security.Identity) (offer *engine.ViewOffer, err error) { // the name is a port's: now the view (b.3, step 5)
		if ClientView != nil {
			if offer, s = obj.mapOwn(ClientView); s != StatusSuccess {
				return nil, s
			}
		}
		if ServerSid != nil && access.User(id.UID) != *ServerSid {
			return offer, errServerSID
		}
		return offer, nil
	}
	defer obj.sent()
	given := 0
	if ConnectionInformationLength != nil {
		given = min(int(*ConnectionInformationLength), len(ConnectionInformation))
		o.Info = ConnectionInformation[:min(given, MaxConnectionInfo)]
	}
	c, err := engine.DialNative(t.e, name, o)
	info := []byte(nil)
	var refused *engine.RefusedError
	switch {
	case err == nil:
		info = c.Info()
	case errors.As(err, &refused):
		info = refused.Info
	}
	if ConnectionInformationLength != nil && (err == nil || refused != nil) {
		*ConnectionInformationLength = uint32(copy(ConnectionInformation[:given], info))
	}
	if err != nil {
		obj.unmap()
		return connectStatus(err)
	}
	server, remote := c.Views()
	if ClientView != nil {
		ClientView.ViewRemoteBase = uintptr(remote)
	}
	obj.keep(server)
	if MaxMessageLength != nil {
		*MaxMessageLength = uint32(c.MaxLength())
	}
	if ServerView != nil {
		ServerView.show(server)
		ServerView.Length = 0 // so NT leaves it (b.3, step 13)
	}
	*PortHandle = obj.open(c)
	return StatusSuccess
}

func connectStatus(err error) Status {
	var s Status
	switch {
	case errors.As(err, &s):
		return s
	case errors.Is(err, errServerSID):
		return StatusServerSIDMismatch
	case errors.Is(err, engine.ErrPeerDied), errors.Is(err, engine.ErrPortClosed):
		return StatusPortConnectionRefused // the port went while we waited
	}
	return status(err)
}

// NtAcceptConnectPort accepts or refuses the connection request that ConnectionRequest
// was received as (lpc reference b.5); its data, which the server may have changed, goes
// to the client. With a PortContext of 0 the new handle is the context.
func (t *Thread) NtAcceptConnectPort(PortHandle *Handle, PortContext uintptr, ConnectionRequest *Message, AcceptConnection bool, ServerView *PortView, ClientView *RemotePortView) Status {
	switch {
	case PortHandle == nil, ConnectionRequest == nil:
		return StatusAccessViolation
	case ServerView != nil && ServerView.Length != PortViewSize, ClientView != nil && ClientView.Length != RemotePortViewSize:
		return StatusInvalidParameter
	}
	r, err := engine.FindPending(&ConnectionRequest.PortMessage)
	if err != nil {
		return status(err)
	}
	info := ConnectionRequest.Data()
	if !AcceptConnection {
		return status(r.RefuseNative(info))
	}
	obj := &object{kind: portObject}
	var offer *engine.ViewOffer
	if ServerView != nil {
		var s Status
		if offer, s = obj.mapOwn(ServerView); s != StatusSuccess {
			_ = r.RefuseNative(nil) // else the client would wait for what cannot be
			return s
		}
		defer obj.sent()
	}
	c, client, remote, err := r.Prepare(uint64(PortContext), info, offer)
	if err != nil {
		obj.unmap()
		return status(err)
	}
	if ServerView != nil {
		ServerView.ViewRemoteBase = uintptr(remote)
	}
	obj.keep(client)
	if ClientView != nil {
		ClientView.show(client)
	}
	*PortHandle = obj.open(c)
	return StatusSuccess
}

// NtCompleteConnectPort lets the client's NtConnectPort return (lpc reference b.6).
func (t *Thread) NtCompleteConnectPort(PortHandle Handle) Status {
	c, s := serverEnd(PortHandle)
	if s != StatusSuccess {
		return s
	}
	if errors.Is(c.Complete(), engine.ErrNotPending) {
		return StatusInvalidParameter
	}
	return StatusSuccess
}
