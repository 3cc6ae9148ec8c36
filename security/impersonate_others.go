//go:build !linux

package security

import "os/exec"

// Active is implemented for Linux only.
type Active struct{ tok *Token }

// Begin is implemented for Linux only.
func Begin(*Token, Options) (*Active, error) { return nil, errUnimplemented }

// Token returns whose impersonation it is.
func (a *Active) Token() *Token { return a.tok }

// Revert is implemented for Linux only.
func (a *Active) Revert() error { return errUnimplemented }

// Current is implemented for Linux only.
func Current() *Token { return nil }

// Command is implemented for Linux only.
func (t *Token) Command(Options, string, ...string) (*exec.Cmd, error) { return nil, errUnimplemented }

// Start is implemented for Linux only.
func Start(*exec.Cmd) error { return errUnimplemented }

func inspect(int, Identity) (Namespace, CapSet) { return UnknownNamespace, 0 }

func closeFD(int) {}
