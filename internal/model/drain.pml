/* The drain role: three callers of one connection, the lead token, and a reply
 * ring that is smaller than the number of replies, so that it overruns. Two
 * workers of the peer answer concurrently: a hint can be announced and not yet
 * written. The first call of the last caller may be cancelled.
 *
 * Checked: no caller whose reply is there stays parked, nor one whose context has
 * ended (invalid end states: callers have no end label); at most one leads; while
 * anybody is parked, somebody leads (the token is not lost).
 *
 * Memory is sequentially consistent here; park.pml has the store buffers.
 *
 * Variant BELL: the leader sleeps in Go behind the doorbell, not in a futex.
 *
 * Mutants:
 *   NOLOOK     the leader's look-again left out
 *   LOOKFIRST  the leader looks, then announces
 *   NOLOOK_F   a follower parks without a look at its slot
 *   LEAVE      a follower that got the lead leaves with it because its own reply is there
 *   NOSCAN     an overrun is not followed by a scan
 *   NOSIGNAL   passLead does not wake the one it passes to
 *   NOSKIP     who is done gets the lead passed all the same
 *   LATEHEAD   the overrun takes the ring's new end after the scan, not before
 */

#define N     3
#define HINTS 2 /* hintSize */
#define STUCK 2 /* stuckMost */

#ifndef CALLS
#define CALLS 2
#endif

#define FREE      0
#define WAITING   1
#define DONE      2
#define ABANDONED 3

/* Shared. A caller has a slot of its own. */
byte word[N];
byte tail;                   /* repliesLine.Tail */
byte hintPos[HINTS];         /* a hint: its position plus 1 (its lap, in Go), */
byte hintIdx[HINTS];         /* and the slot: one 32-bit word */
byte sleepw;                 /* callerLine.Sleep */
bool fut;                    /* the leader is in the futex */
chan req = [N] of { byte };  /* requests, in order */
bool bell;                   /* the doorbell to the calling process */

/* The calling process. */
bool mu;
bool parked[N], lead[N], done[N], ch[N]; /* by slot: the waiter's */
byte nparked;
bool leading;
byte leader;
byte hintHead, stuck;
bool ctx;                    /* of the last caller's first call: it has ended */

byte leaders;                /* ghost: how many run as leader */

#define NONE 255

inline lock() { atomic { !mu -> mu = true } }

/* What every holder of the lock leaves behind. */
inline unlock() {
	d_step {
		assert(nparked == parked[0] + parked[1] + parked[2]);
		assert(nparked == 0 || leading);
		assert(!leading || (parked[leader] && lead[leader]));
		assert(lead[0] + lead[1] + lead[2] <= 1);
		mu = false
	}
}

/* go: channel.(*Caller).ready */
inline ready(i) {
	if
	:: parked[i] && !lead[i] && word[i] != WAITING ->
		d_step { parked[i] = false; nparked--; done[i] = true; ch[i] = true }
	:: else
	fi
}

/* go: channel.(*Caller).scan */
inline scan() { ready(0); ready(1); ready(2) }

/* go: channel.(*Caller).drain */
inline drain() {
	if
	:: tail == hintHead /* go: channel.(*Caller).hinted */
	:: else ->
		lock();
		t = tail;
		if
		:: t - hintHead > HINTS ->
#ifdef LATEHEAD
			scan();
			hintHead = tail
#else
			hintHead = t;
#ifndef NOSCAN
			scan()
#endif
#endif
		:: else ->
			do
			:: hintHead == t -> break
			:: else ->
				d_step { p = hintPos[hintHead % HINTS]; x = hintIdx[hintHead % HINTS] };
				if
				:: p == hintHead + 1 ->
					stuck = 0;
					ready(x);
					hintHead++
				:: p < hintHead + 1 && stuck + 1 < STUCK -> stuck++; break
				:: else ->
					stuck = 0;
#ifdef LATEHEAD
					scan();
					hintHead = tail;
#else
					hintHead = tail;
#ifndef NOSCAN
					scan();
#endif
#endif
					break
				fi
			od
		fi;
		unlock()
	fi
}

/* go: channel.(*Caller).unpark */
/* go: channel.(*Caller).passLead */
inline unpark() {
	atomic {
		if
		:: !done[me] -> parked[me] = false; nparked--
		:: else
		fi;
#ifdef LEAVE
		if
		:: lead[me] && !leads -> lead[me] = false; leader = NONE /* the token goes with it */
		:: else
		fi;
#endif
		if
		:: lead[me] ->
			lead[me] = false;
			leading = false;
			leader = NONE;
			x = (me + 1) % N;
			do
			:: x == me -> break
#ifdef NOSKIP
			:: parked[x] || done[x] ->
#else
			:: parked[x] ->
#endif
				leading = true;
				leader = x;
				lead[x] = true;
#ifndef NOSIGNAL
				ch[x] = true;
#endif
				break
			:: else -> x = (x + 1) % N
			od
		:: else
		fi;
		leads = false
	}
}

#define ended (me == N - 1 && n == 1 && ctx)

proctype caller(byte me) {
	byte n, p, t, x;
	bool leads, look;
	do
	:: n == CALLS -> break
	:: else ->
		n++;
		/* go: channel.(*Caller).Post */
		word[me] = WAITING;
		req!me;

		/* go: channel.(*Caller).Wait */
		if
		:: word[me] != WAITING -> goto settle
		:: true
		fi;

		/* go: channel.(*Caller).park */
		d_step { lead[me] = false; done[me] = false; ch[me] = false };
		lock();
		d_step { parked[me] = true; nparked++ };
		if
		:: !leading ->
			d_step { leading = true; leader = me; lead[me] = true };
			/* go: channel.(*Caller).resync */
			hintHead = tail;
			scan()
		:: else
		fi;
		do
#ifdef LEAVE
		:: lead[me] && word[me] == WAITING -> goto leadAndPass
		:: else ->
#else
		:: lead[me] -> goto leadAndPass
		:: else ->
#endif
			look = done[me];
			if
			:: !look -> look = (word[me] != WAITING)
			:: else
			fi;
#ifdef NOLOOK_F
			look = done[me];
#endif
			if
			:: look || ended -> unpark(); unlock(); break
			:: else -> skip
			fi;
			unlock();
			if
			:: atomic { ch[me] -> ch[me] = false }
			:: ended
			fi;
			lock()
		od;
		goto conclude;

leadAndPass:
		/* go: channel.(*Caller).leadAndPass */
		skip;
		d_step { leaders++; assert(leaders == 1); leads = true };
		unlock();
		do
		:: drain();
			if
			:: word[me] != WAITING || ended -> break
			:: else
			fi;
			/* go: channel.(*Caller).sleep */
#ifdef LOOKFIRST
			look = (word[me] == WAITING);
			if
			:: look -> look = (tail == hintHead) && !ended
			:: else
			fi;
			sleepw = 1;
#else
			sleepw = 1; /* announce */
			look = (word[me] == WAITING);
			if
			:: look -> look = (tail == hintHead)
			:: else
			fi;
			if
			:: look -> look = !ended
			:: else
			fi;
#endif
#ifdef NOLOOK
			look = true;
#endif
			if
			:: look ->
#ifdef BELL
				if
				:: atomic { ch[me] -> ch[me] = false }
				:: ended
				fi
#else
				atomic { if :: sleepw == 1 -> fut = true :: else fi }; /* go: channel.futexWait */
				!fut
#endif
			:: else
			fi;
			sleepw = 0
		od;
		lock();
		leaders--;
		unpark();
		unlock();

conclude:
		/* go: channel.(*Caller).conclude */
		atomic {
			if
			:: word[me] == WAITING -> assert(ended); word[me] = ABANDONED
			:: else
			fi
		};
settle:
		/* go: channel.(*Caller).settle */
		if
		:: word[me] == ABANDONED -> break
		:: else -> assert(word[me] == DONE)
		fi;
		d_step { p = 0; t = 0; x = 0; look = false }
	od
}

/* A worker of the peer. */
proctype worker() {
	byte i, p;
	bool ok;
end:	do
	:: atomic { req?i -> ok = false };
		/* go: channel.(*Receiver).Reply */
		atomic {
			if
			:: word[i] == WAITING -> word[i] = DONE; ok = true
			:: else
			fi
		};
		if
		:: ok ->
			d_step { p = tail; tail++ };
			d_step { hintPos[p % HINTS] = p + 1; hintIdx[p % HINTS] = i };
			/* go: channel.(*Receiver).wake */
			if
			:: sleepw != 0 ->
				atomic { if :: sleepw == 1 -> sleepw = 0 :: else -> ok = false fi };
				if
#ifdef BELL
				:: ok -> bell = true
#else
				:: ok -> fut = false
#endif
				:: else
				fi
			:: else
			fi
		:: else
		fi;
		d_step { i = 0; p = 0; ok = false }
	od
}

/* The calling process's poller. */
active proctype poller() {
end:	do
	:: atomic { bell -> bell = false };
		/* go: channel.(*Caller).Bell */
		lock();
		if
		:: leading -> ch[leader] = true
		:: else
		fi;
		unlock()
	od
}

/* The context of the last caller's first call ends, at any time. */
active proctype timer() {
	ctx = true;
	/* go: channel.(*Caller).kickSeq */
	sleepw = 0;
	fut = false;
	lock();
	if
	:: leading -> ch[leader] = true
	:: else
	fi;
	unlock()
}

init {
	atomic {
		leader = NONE;
		run caller(0);
		run caller(1);
		run caller(2);
		run worker();
		run worker()
	}
}
