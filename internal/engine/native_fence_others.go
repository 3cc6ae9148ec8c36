//go:build !amd64 || race

package engine

func prepareFence() {}

// fence has nothing to do here: channel.StoreRelease is a sequentially consistent store.
func fence() {}
