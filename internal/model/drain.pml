/* The drain role: three callers of one connection, the lead token, and a reply
 * ring that is smaller than the number of replies, so that it overruns. Two
 * workers of the peer answer in any order and concurrently: a hint can be
 * announced and not yet written.
 *
 * Checked: no caller whose reply is there stays parked, nor one whose context has
 * ended (invalid end states: callers have no end label); at most one leads; while
 * anybody is parked, somebody leads (the token is not lost).
 *
 * Memory is sequentially consistent here; park.pml has the store buffers. What is
 * guarded by Caller.mu and touches nothing shared is one step.
 *
 * Variants:
 *   SLOW    the last caller's call is answered when the others have ended: who is
 *           left behind by the leader stays behind
 *   CANCEL  the last caller's call is never answered; its context ends
 *   BELL    the leader sleeps in Go behind the doorbell, not in a futex
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
 *   NOKICK     the leader is not woken when its context ends
 */

#define N 3
#define LAST (N-1)

#ifndef HINTS
#define HINTS 2 /* hintSize */
#endif
#ifndef CALLS
#define CALLS 1 /* of each but the last, who makes one */
#endif
#define STUCK 2 /* stuckMost */

#define FREE      0
#define WAITING   1
#define DONE      2
#define ABANDONED 3

/* Shared. A caller has a slot of its own. */
byte word[N];
byte tail;           /* repliesLine.Tail */
byte hintPos[HINTS]; /* a hint, one 32-bit word: its position plus 1 (its lap, in Go), */
byte hintIdx[HINTS]; /* and its slot */
byte sleepw;         /* callerLine.Sleep */
bool fut;            /* the leader is in the futex */
bool bell;           /* the doorbell to the calling process has rung */

/* The calling process. */
bool mu;
bool parked[N], lead[N], done[N], ch[N]; /* by slot: the waiter's */
byte nparked;
bool leading;
byte leader;
byte hintHead, stuck;
bool ctx;            /* the context of the last caller has ended */

/* Ghosts. */
byte leaders;        /* how many run as leader */
byte finished;       /* callers but the last that have ended */

/* What every holder of the lock leaves behind. */
inline unlock() {
	assert(nparked == parked[0] + parked[1] + parked[2]);
	assert(nparked == 0 || leading);
	assert(!leading || (parked[leader] && lead[leader]));
	assert(lead[0] + lead[1] + lead[2] <= 1);
	mu = false
}

/* go: channel.(*Caller).ready */
inline ready(i) {
	atomic {
		if
		:: parked[i] && !lead[i] && word[i] != WAITING ->
			parked[i] = false; nparked--; done[i] = true; ch[i] = true
		:: else
		fi
	}
}

/* go: channel.(*Caller).scan */
inline scan() { ready(0); ready(1); ready(2) }

/* The ring has overrun: the hints are lost, the slots are not. */
inline overrun(end) {
#ifdef LATEHEAD
	scan();
	hintHead = tail
#else
	hintHead = end;
#ifndef NOSCAN
	scan()
#endif
#endif
}

/* go: channel.(*Caller).drain */
inline drain() {
	if
	:: tail == hintHead /* go: channel.(*Caller).hinted */
	:: else ->
		atomic { !mu -> mu = true };
		t = tail;
		if
		:: t - hintHead > HINTS -> overrun(t)
		:: else ->
			do
			:: hintHead == t -> break
			:: else ->
				atomic {
					p = hintPos[hintHead % HINTS];
					x = hintIdx[hintHead % HINTS];
					if
					:: p < hintHead + 1 -> stuck++
					:: p > hintHead + 1 -> stuck = STUCK
					:: else -> stuck = 0
					fi
				};
				if
				:: stuck == 0 ->
					ready(x);
					hintHead++
				:: stuck > 0 && stuck < STUCK -> break /* announced, not written yet */
				:: stuck == STUCK ->
					stuck = 0;
					overrun(tail);
					break
				fi
			od
		fi;
		atomic { p = 0; x = 0; t = 0; unlock() }
	fi
}

/* c.mu is held. */
/* go: channel.(*Caller).unpark */
/* go: channel.(*Caller).passLead */
inline unpark() {
	if
	:: !done[me] -> parked[me] = false; nparked--
	:: else
	fi;
	if
	:: lead[me] ->
		lead[me] = false;
		leading = false;
		leader = 0;
		x = (me + 1) % N;
		do
		:: x == me -> break
#ifdef NOSKIP
		:: x != me && (parked[x] || done[x]) ->
#else
		:: x != me && parked[x] ->
#endif
			leading = true;
			leader = x;
			lead[x] = true;
#ifndef NOSIGNAL
			ch[x] = true;
#endif
			break
		:: else -> x = (x + 1) % N
		od;
		x = 0
	:: else
	fi
}

#define ended (me == LAST && ctx)

proctype caller(byte me; byte calls) {
	byte p, t, x;
	do
	:: calls == 0 -> break
	:: else ->
		atomic { calls--; word[me] = WAITING }; /* go: channel.(*Caller).Post */

		/* go: channel.(*Caller).Wait */
		if
		:: word[me] != WAITING -> goto settle
		:: true
		fi;

		/* go: channel.(*Caller).park */
		atomic {
			!mu -> mu = true;
			lead[me] = false; done[me] = false; ch[me] = false;
			parked[me] = true; nparked++;
			if
			:: !leading ->
				/* go: channel.(*Caller).resync */
				leading = true; leader = me; lead[me] = true;
				hintHead = tail;
				assert(nparked == 1) /* so that there is nobody to scan for */
			:: else
			fi
		};
		do
#ifdef LEAVE
		:: atomic { lead[me] && word[me] != WAITING ->
				parked[me] = false; nparked--; lead[me] = false; /* the token goes with it */
				unlock() };
			break
		:: lead[me] && word[me] == WAITING -> goto leadAndPass
#else
		:: lead[me] -> goto leadAndPass
#endif
#ifdef NOLOOK_F
		:: atomic { !lead[me] && (done[me] || ended) -> unpark(); unlock() }; break
		:: atomic { !lead[me] && !done[me] && !ended -> unlock() };
#else
		:: atomic { !lead[me] && (done[me] || word[me] != WAITING || ended) -> unpark(); unlock() }; break
		:: atomic { !lead[me] && !done[me] && word[me] == WAITING && !ended -> unlock() };
#endif
			if
			:: atomic { ch[me] -> ch[me] = false }
			:: ended
			fi;
			atomic { !mu -> mu = true }
		od;
		goto conclude;

leadAndPass:
		/* go: channel.(*Caller).leadAndPass */
		atomic { leaders++; assert(leaders == 1); unlock() };
		do
		:: drain();
			if
			:: word[me] != WAITING || ended -> break
			:: else
			fi;
			/* go: channel.(*Caller).sleep */
#ifndef LOOKFIRST
			sleepw = 1; /* announce */
#endif
#ifndef NOLOOK
			if
			:: word[me] != WAITING -> goto awake
			:: else
			fi;
			if
			:: tail != hintHead -> goto awake
			:: else
			fi;
			if
			:: ended -> goto awake
			:: else
			fi;
#endif
#ifdef LOOKFIRST
			sleepw = 1;
#endif
#ifdef BELL
			if
			:: atomic { ch[me] -> ch[me] = false }
			:: ended
			fi;
#else
			atomic { if :: sleepw == 1 -> fut = true :: else fi }; /* go: channel.futexWait */
			!fut;
#endif
awake:			sleepw = 0
		od;
		atomic { !mu -> mu = true; leaders--; unpark(); unlock() };

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
		atomic {
			assert(word[me] == DONE || (word[me] == ABANDONED && ended));
			assert(!parked[me] && !lead[me]);
			done[me] = false; ch[me] = false
		}
	od;
	finished = finished + (me != LAST)
}

#ifdef SLOW
#define answerable (finished == LAST)
#else
#define answerable true
#endif

/* A worker of the peer answers whom it likes. */
proctype worker() {
	byte i, p;
end:	do
	:: atomic {
		/* go: channel.(*Receiver).Reply */
		if
		:: word[0] == WAITING -> i = 0
		:: word[1] == WAITING -> i = 1
#ifndef CANCEL
		:: word[2] == WAITING && answerable -> i = 2
#endif
		fi;
		word[i] = DONE };
		atomic { p = tail; tail++ };
		atomic { hintPos[p % HINTS] = p + 1; hintIdx[p % HINTS] = i; i = 0; p = 0 };
		/* go: channel.(*Receiver).wake */
		if
		:: sleepw == 0
		:: else ->
			if
			:: atomic { sleepw == 1 -> sleepw = 0 };
#ifdef BELL
				bell = true
#else
				fut = false /* go: channel.futexWake */
#endif
			:: sleepw == 0
			fi
		fi
	od
}

#ifdef BELL
/* The calling process's poller. */
active proctype poller() {
end:	do
	:: atomic { bell -> bell = false };
		/* go: channel.(*Caller).Bell */
		atomic { !mu -> if :: leading -> ch[leader] = true :: else fi }
	od
}
#endif

#ifdef CANCEL
/* The context of the last caller ends, at any time. */
active proctype timer() {
	ctx = true;
#ifndef NOKICK
	/* go: channel.(*Caller).kickSeq */
	sleepw = 0;
	fut = false;
	atomic { !mu -> if :: leading -> ch[leader] = true :: else fi }
#endif
}
#endif

init {
	atomic {
		run caller(0, CALLS);
		run caller(1, CALLS);
		run caller(2, 1);
		run worker();
#ifdef HOLES
		run worker()
#endif
	}
}
