// Package capitest builds liblpc.so and C programs over it for tests: once a test binary,
// by `make capi`, as a user does. Main, or Remove at the end of a TestMain, takes the
// library away again.
//
// It is for tests alone. It needs make, gcc and C's headers, which package needs names
// where they are missing.
package capitest
