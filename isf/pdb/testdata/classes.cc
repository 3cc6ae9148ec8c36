// What C adds to C++'s types: bases, virtual functions, scopes, static members,
// two nested structures of one name.
namespace spool {
struct Base {
	virtual int run(int n);
	int count;
	static int made;
};
struct Other {
	long other;
};
class Job : public Base, public Other {
public:
	int run(int n) override;
	struct State {
		char letter;
	} state;
	enum class Kind : unsigned char { None, All = 200 } kind;

private:
	friend class Queue;
	Job *next;
};
struct Queue {
	struct State {
		short length;
	} state;
	Job *head;
	int Base::*member;
};
int Base::made = 1;
int Base::run(int n) { return n + count; }
int Job::run(int n) { return n + state.letter + (int)kind + made; }
Queue queue;
Job job;
template <class T> T twice(T v) { return v + v; }
__attribute__((noinline)) int drive(Base *b) { return b->run(twice(3)) + queue.state.length; }
} // namespace spool

extern "C" int entry() { return spool::drive(&spool::job); }
