package namespace

// failpoint is called at each step of taking a name, by the step's name, so that
// a test can stop or kill the process right there. It does nothing otherwise.
var failpoint = func(step string) {}

// failpoints are those of Listen, in the order in which it comes by. There is
// one more, "refused": a connection was, and the name is about to be looked at
// once more.
var failpoints = []string{"directory", "lock-opened", "locked", "probed", "bound", "listening", "opened", "named"}
