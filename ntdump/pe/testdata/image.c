/* An image for tests: one variable and one function. */
int Answer = 42;

int entry(void) { return Answer; }
