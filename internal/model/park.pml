/* Park and wake: announce, fence, look again, park; publish, fence, take the
 * announcement, wake. One caller makes NCALL calls to one receiver; either end
 * sleeps in a futex or behind the doorbell, as it likes. The peer may never
 * answer the last call, whose context then ends.
 *
 * Memory is x86-TSO: a plain store waits in its processor's store buffer and may
 * be passed by later loads; a locked instruction (what sync/atomic compiles to for
 * every store, swap and add) and a system call empty the buffer first.
 *
 * A waiter left hanging is an invalid end state: the caller's process has no end
 * label, and the receiver may rest only where it is parked.
 *
 * Mutants, each of which must be caught:
 *   NOLOOK_CALLER NOLOOK_RECV NOLOOK_ARM            the look-again left out
 *   NOFENCE_CALLER NOFENCE_RECV NOFENCE_ARM         the announcement a plain store
 *   NOFENCE_PUBLISH NOFENCE_REPLY                   the publish a plain store
 *   LOOKFIRST_CALLER LOOKFIRST_RECV LOOKFIRST_ARM   the look before the announcement
 *   NOCTX                                           the look-again without the context
 */

#ifndef NCALL
#define NCALL 3
#endif

/* Shared words. */
#define WORD  0 /* the slot's: 4*generation + WAITING, DONE, ABANDONED or FREE */
#define ENTRY 1 /* the request ring's: the number of the last request published */
#define SLEEP 2 /* callerLine.Sleep */
#define STATE 3 /* receiverLine.State */

#define FREE      0
#define WAITING   1
#define DONE      2
#define ABANDONED 3

#define ARMED 0
#define AWAKE 1
#define FUTEX 2

#define SFUTEX 1
#define SBELL  2

/* Processors. */
#define C 0 /* the caller's */
#define R 1 /* the receiver's */
#define K 2 /* the one that the timer of the context runs on */

byte mem[4];
chan sb[3] = [2] of { byte, byte }; /* store buffers */
bool parked[4];                     /* somebody sleeps in a futex on this word */

bool bellS; /* a doorbell is under way to the server */
bool bellC; /* and to the client */
bool ch;    /* waiter.ch of the leader */
bool ctx;   /* the context of the last call has ended */

#define word(g, s) (4*(g)+(s))

inline store(p, a, v) { sb[p]!a,v }
inline fence(p) { empty(sb[p]) }
inline xchg(p, a, v) { atomic { empty(sb[p]) -> mem[a] = v } }
inline cas(p, a, old, new) {
	atomic {
		empty(sb[p]);
		if
		:: mem[a] == old -> mem[a] = new; ok = true
		:: else -> ok = false
		fi
	}
}
inline load(p, a, v) {
	atomic {
		if
		:: sb[p]??[a,_] -> sb[p]??<a,v> /* its own store, not yet visible to others */
		:: else -> v = mem[a]
		fi
	}
}

/* The kernel compares the word under a lock: a fence. */
/* go: channel.futexWait */
inline futexWait(p, a, v) {
	atomic {
		empty(sb[p]);
		if
		:: mem[a] == v -> parked[a] = true
		:: else
		fi
	}
}
/* go: channel.futexWake */
inline futexWake(p, a) { atomic { empty(sb[p]) -> parked[a] = false } }

active proctype stores() {
	byte a, v;
end:	do
	:: atomic { sb[C]?a,v -> mem[a] = v }
	:: atomic { sb[R]?a,v -> mem[a] = v }
	:: atomic { sb[K]?a,v -> mem[a] = v }
	od
}

/* The poller of the client's process. */
active proctype poller() {
end:	do
	:: atomic { bellC -> bellC = false };
		ch = true /* go: channel.(*Caller).Bell */
	od
}

active proctype caller() {
	byte g, x, how;
	bool ok, look;
	g = 1;
	do
	:: g > NCALL -> break
	:: else ->
		/* go: channel.(*Caller).put */
		store(C, WORD, word(g, WAITING)); /* a plain store: publish orders it */

		/* go: channel.(*Caller).publish */
#ifdef NOFENCE_PUBLISH
		store(C, ENTRY, g);
#else
		xchg(C, ENTRY, g);
#endif
		load(C, STATE, x);
		if
		:: x == FUTEX ->
			cas(C, STATE, FUTEX, AWAKE);
			if
			:: ok -> futexWake(C, STATE)
			:: else
			fi
		:: x == ARMED ->
			cas(C, STATE, ARMED, AWAKE);
			if
			:: ok -> fence(C); bellS = true /* send(2) */
			:: else
			fi
		:: else
		fi;

		/* go: channel.(*Caller).park */
		ch = false;
		do
		:: load(C, WORD, x);
			if
			:: x != word(g, WAITING) -> break
			:: g == NCALL && ctx -> break
			:: else
			fi;

			/* go: channel.(*Caller).sleep */
			if
			:: how = SFUTEX
			:: how = SBELL
			fi;
#ifdef LOOKFIRST_CALLER
			load(C, WORD, x);
			look = (x == word(g, WAITING) && !(g == NCALL && ctx));
#endif
#ifdef NOFENCE_CALLER
			store(C, SLEEP, how);
#else
			xchg(C, SLEEP, how);
#endif
#ifdef NOLOOK_CALLER
			look = true;
#endif
#ifdef NOCTX
			load(C, WORD, x);
			look = (x == word(g, WAITING));
#endif
#if !defined(LOOKFIRST_CALLER) && !defined(NOLOOK_CALLER) && !defined(NOCTX)
			load(C, WORD, x);
			look = (x == word(g, WAITING));
			look = (look && !(g == NCALL && ctx));
#endif
			if
			:: look && how == SFUTEX ->
				futexWait(C, SLEEP, SFUTEX);
				!parked[SLEEP]
			:: look && how == SBELL ->
				if
				:: atomic { ch -> ch = false }
				:: g == NCALL && ctx
				fi
			:: else
			fi;
			xchg(C, SLEEP, 0)
		od;

		/* go: channel.(*Caller).conclude */
		load(C, WORD, x);
		if
		:: x == word(g, WAITING) ->
			cas(C, WORD, word(g, WAITING), word(g, ABANDONED));
			assert(ok || mem[WORD] == word(g, DONE))
		:: else -> assert(x == word(g, DONE)) /* go: channel.(*Caller).settle */
		fi;
		g++
	od
}

/* The last call's context ends, early or late. */
active proctype timer() {
	ctx = true;
	/* go: channel.(*Caller).kickSeq */
	xchg(K, SLEEP, 0);
	futexWake(K, SLEEP);
	ch = true
}

active proctype receiver() {
	byte head, x;
	bool ok, look;
	goto unarmed; /* a channel that is new is armed */
poll:	do
	:: load(R, ENTRY, x); /* go: channel.(*Receiver).Next */
		if
		:: x != head ->
			head++;
			assert(x == head);
			if
			:: true
				/* go: channel.(*Receiver).Reply */
#ifdef NOFENCE_REPLY
				store(R, WORD, word(head, DONE));
				ok = true;
#else
				cas(R, WORD, word(head, WAITING), word(head, DONE));
#endif
				if
				:: ok ->
					/* go: channel.(*Receiver).wake */
					load(R, SLEEP, x);
					if
					:: x != 0 ->
						cas(R, SLEEP, x, 0);
						if
						:: ok && x == SFUTEX -> futexWake(R, SLEEP)
						:: ok && x == SBELL -> bellC = true
						:: else
						fi
					:: else
					fi
				:: else ->
					/* go: channel.(*Receiver).tooLate */
					assert(mem[WORD] == word(head, ABANDONED));
					xchg(R, WORD, word(head, FREE))
				fi
			:: head == NCALL /* it never answers */
			fi
		:: else ->
			if
			:: true ->
				/* go: channel.(*Receiver).Sleep */
#ifdef LOOKFIRST_RECV
				load(R, ENTRY, x);
				look = (x == head);
#endif
#ifdef NOFENCE_RECV
				store(R, STATE, FUTEX);
#else
				xchg(R, STATE, FUTEX);
#endif
#ifdef NOLOOK_RECV
				look = true;
#endif
#if !defined(LOOKFIRST_RECV) && !defined(NOLOOK_RECV)
				load(R, ENTRY, x);
				look = (x == head);
#endif
				if
				:: look ->
					futexWait(R, STATE, FUTEX);
end_sleep:				!parked[STATE]
				:: else
				fi;
				xchg(R, STATE, AWAKE)
			:: true ->
				/* go: channel.(*Receiver).Arm */
#ifdef LOOKFIRST_ARM
				load(R, ENTRY, x);
				look = (x == head);
#endif
#ifdef NOFENCE_ARM
				store(R, STATE, ARMED);
#else
				xchg(R, STATE, ARMED);
#endif
#ifdef NOLOOK_ARM
				look = true;
#endif
#if !defined(LOOKFIRST_ARM) && !defined(NOLOOK_ARM)
				load(R, ENTRY, x);
				look = (x == head);
#endif
				if
				:: look -> goto unarmed
				:: else -> xchg(R, STATE, AWAKE)
				fi
			fi
		fi
	od;
unarmed:
	/* go: engine.(*dispatcher).ring */
end_armed:
	atomic { bellS -> bellS = false };
	/* go: engine.(*dispatcher).takePending */
	/* go: channel.(*Receiver).Awake */
	xchg(R, STATE, AWAKE);
	goto poll
}
