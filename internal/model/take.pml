/* Taking a slot while all are in use: two waiters, two slots that come free, one
 * signal (Caller.freed holds one). The calls of the waiters never end, so nobody
 * else will wake who was passed over.
 *
 * Mutants: NOPASS: who has taken a slot does not look whether others wait.
 *          NOLOOK: the look after announcing oneself left out.
 */

bool busy[2] = true;
bool freed;
byte starving, served;

/* go: channel.(*Caller).offer */
inline offer() {
	if
	:: starving > 0 -> freed = true
	:: else
	fi
}

/* go: channel.(*Caller).Release */
active [2] proctype releaser() {
	busy[_pid % 2] = false;
	offer()
}

active [2] proctype waiter() {
	bool ok, waited;
	do
	:: true ->
		/* go: channel.(*Caller).Take */
		atomic { ok = !busy[0]; busy[0] = true };
		if
		:: ok -> break
		:: else
		fi;
		atomic { ok = !busy[1]; busy[1] = true };
		if
		:: ok -> break
		:: else
		fi;
		/* go: channel.(*Caller).waitSlot */
		starving++;
#ifndef NOLOOK
		ok = !busy[0];
		if
		:: !ok -> ok = !busy[1]
		:: else
		fi;
#endif
		if
		:: ok
		:: else -> atomic { freed -> freed = false }
		fi;
		starving--;
		waited = true
	od;
#ifndef NOPASS
	if
	:: waited -> offer() /* one signal may stand for several slots */
	:: else
	fi;
#endif
	served++
}
