/* The receiver's role of a dispatcher, and its replacement while a handler runs on
 * the receiver's goroutine. One hot connection sends a call and a
 * datagram; the handler of the call ends only when the datagram was handled: a slow handler must stall
 * nobody else.
 *
 * Time: a timer fires at any moment after it was set. A look after what was
 * published (nudge) that finds nothing changed comes back when all else is quiet.
 *
 * Checked: everything is handled, once; one goroutine at a time works on the
 * receiver's own state; nothing hangs.
 *
 * Variants:
 *   OTHER  the second message comes from another connection, which rings once
 *   ARMS   a receiver that finds nothing to do arms the channel and gives its role
 *          up, instead of sleeping in a futex
 *   BATCH  datagrams that follow are run without the lock in between; the slow one is
 *          the last of them
 *
 * Mutants:
 *   ONCE           the look after what was published does not come back
 *   NORECHECK      a look that finds all taken ends without another, though somebody may
 *                  have published meanwhile and left it to this look
 *   AWAKE_ONLY     who finds the receiver asleep leaves no look behind, though it
 *                  may have been about to take something else
 *   ENTERED_LATE   the receiver tells how far it has come after it became replaceable
 *   NOCAS_RETURN   who returns from a handler stores, without comparing
 *   NOCAS_REPLACE  who replaces stores, without comparing
 *   LATE_STATE     inHandler is set after the lock was let go
 *   NOWAITING      who enters the next handler without the lock does not look then
 *                  whether the receiver is wanted
 *   NOLOOKING      a receiver that is in its handler for a short time is not looked at again
 */

#if defined(OTHER) && !defined(BATCH)
#define M 1
#else
#define M 2
#endif
#ifdef BATCH
#define SLOW M /* the message whose handler waits for the other one */
#else
#define SLOW 1
#endif
#define W 5 /* workers: enough */

#define ARMED 0
#define AWAKE 1
#define FUTEX 2

#define NOBODY 255

#define PARKED 0
#define RECV   1
#define RUN    2
#define BUSY   3

#define NOTINLINE 0
#define INHANDLER 1
#define REPLACED  2

/* Shared. */
byte pub;              /* messages published */
byte state = ARMED;    /* receiverLine.State */
byte taken;            /* progressLine.Head */
bool bell, bell2;      /* doorbells of the two connections under way */
bool fut;              /* the receiver is in the futex */

/* The sender. */
bool nudging;
byte nudgeHead;
byte fired, refired;

/* The dispatcher. */
bool mu, waiting, hot, pending, pending2, hot2, sleepsOn, kicked, looking, searching;
byte role = NOBODY;     /* the worker who receives */
byte rstate[W];        /* role.state of each worker's last time as the receiver */
byte mail[W] = PARKED; /* worker.ch */
byte early;
byte who;              /* scratch of ready */
chan queue = [M+1] of { byte };

/* The receiver's own: head of the ring. */
byte head;
byte users;            /* ghost: who works on it */
bool handled[M+2];
bool got2;             /* the other connection's message was taken */

inline lock() { atomic { !mu -> mu = true } }
inline unlock() { mu = false }
inline use() { atomic { assert(users == 0); users++ } }
inline unuse() { users-- }

/* go: channel.(*Caller).nudge */
inline nudge(pos) {
	if
	:: nudging || taken >= pos
	:: else -> atomic { nudging = true; nudgeHead = taken }
	fi
}

/* Message n; they are published in order. */
proctype sender(byte n; bool gram) {
	bool ok, look = true;
	/* go: channel.(*Caller).Send */
	/* go: channel.(*Caller).Post */
	/* go: channel.(*Caller).publish */
	atomic { pub == n - 1 -> pub = n };
	if
	:: state == FUTEX ->
		atomic { ok = (state == FUTEX); if :: ok -> state = AWAKE :: else fi };
		if
		:: ok -> fut = false
		:: else
		fi;
#ifdef AWAKE_ONLY
		look = !gram
#else
		skip
#endif
	:: state == ARMED ->
		atomic { ok = (state == ARMED); if :: ok -> state = AWAKE :: else fi };
		if
		:: ok -> bell = true
		:: else
		fi;
#ifdef AWAKE_ONLY
		look = !gram
#else
		skip
#endif
	:: state == AWAKE
	fi;
	/* A datagram's sender leaves a look behind at once, a caller when it parks. */
	/* go: channel.(*Caller).park */
	if
#ifdef BATCH
	:: true /* here it is the other connection's bell that must be heard */
#else
	:: look -> nudge(n)
	:: else
#endif
	fi
}

/* go: channel.(*Caller).lookAfter */
active proctype nudger() {
end:	do
	:: nudging && fired < 1 -> fired++; goto fire
	:: timeout && nudging && refired < 5 -> /* later */
		refired++;
fire:		if
		:: taken >= pub ->
			nudging = false;
#ifndef NORECHECK
			if
			:: taken < pub -> nudge(pub) /* published meanwhile, by one who saw this look under way */
			:: else
			fi
#endif
		:: taken < pub && taken != nudgeHead -> nudgeHead = taken
		:: taken < pub && taken == nudgeHead ->
			if
			:: state == AWAKE -> bell = true
			:: else
			fi;
#ifdef ONCE
			nudging = false
#endif
		fi
	od
}

#ifdef OTHER
active proctype other() { bell2 = true }
#endif

/* d.mu is held. */
/* go: engine.(*dispatcher).ready */
inline ready(what) {
	who = 0;
	do
	:: mail[who] == PARKED -> mail[who] = what; break
	:: mail[who] != PARKED -> who++; assert(who < W)
	od
}

/* d.mu is held. */
/* go: engine.(*dispatcher).giveRole */
inline giveRole() { atomic { ready(RECV); role = who; rstate[who] = NOTINLINE; who = 0 } }

/* d.mu is held. */
/* go: engine.(*dispatcher).replace */
inline replace() {
	if
	:: early < 1 -> /* in the handler for less than slowHandler */
		early++;
#ifndef NOLOOKING
		looking = true
#endif
	:: true ->
#ifdef NOCAS_REPLACE
		rstate[role] = REPLACED; ok = true;
#else
		atomic { ok = (rstate[role] == INHANDLER); if :: ok -> rstate[role] = REPLACED :: else fi };
#endif
		if
		:: ok -> giveRole()
		:: else
		fi
	fi
}

/* The poller's goroutine. */
/* go: engine.(*dispatcher).ring */
active proctype poller() {
	bool ok;
end:	do
	:: bell || bell2 ->
		atomic {
			!mu -> mu = true;
			if
			:: bell -> bell = false;
				if
				:: !hot -> hot = true; pending = true
				:: else
				fi
			:: bell2 -> bell2 = false; hot2 = true; pending2 = true
			fi;
			waiting = true
		};
		if
		:: role == NOBODY -> giveRole()
		:: role != NOBODY && rstate[role] == INHANDLER -> replace()
		:: role != NOBODY && rstate[role] != INHANDLER && sleepsOn ->
			/* go: engine.(*dispatcher).kick */
			/* go: channel.(*Receiver).Kick */
			kicked = true;
			atomic { if :: state == FUTEX -> state = AWAKE :: else fi };
			fut = false
		:: else
		fi;
		unlock()
	od
}

/* replace's timer. */
active proctype looker() {
	bool ok;
end:	do
	:: looking ->
		lock();
		looking = false;
		if
		:: role != NOBODY && rstate[role] == INHANDLER -> replace()
		:: else
		fi;
		unlock()
	od
}

/* The handler of message m. */
/* go: engine.(*dispatcher).run */
inline handle(m) {
	assert(!handled[m]);
	if
	:: m == SLOW ->
#ifdef OTHER
		handled[M+1];
#else
		handled[M];
#endif
		handled[m] = true
	:: else -> handled[m] = true
	fi
}

/* go: engine.(*dispatcher).searchMore */
inline searchMore() {
	if
	:: len(queue) > 0 && !searching -> searching = true; ready(RUN); who = 0
	:: else
	fi
}

/* A worker. */
/* go: engine.(*dispatcher).work */
proctype worker(byte me) {
	byte m;
	bool ok, got;
end:	if
	:: atomic { mail[me] == RUN -> mail[me] = BUSY }; goto runQueue
	:: atomic { mail[me] == RECV -> mail[me] = BUSY }
	fi;

receive: /* go: engine.(*dispatcher).receive */
	if
	:: waiting ->
		/* go: engine.(*dispatcher).takePending */
		atomic {
			!mu;
			if
			:: pending -> state = AWAKE /* go: channel.(*Receiver).Awake */
			:: else
			fi;
			pending = false; pending2 = false; waiting = false
		}
	:: else
	fi;
	got = false;
#ifdef OTHER
	if
	:: hot2 && !pending2 && !got2 ->
		atomic { !mu; queue!M+1; got2 = true; searchMore(); got = true }
	:: else
	fi;
#endif
	/* go: engine.(*dispatcher).pollConn */
	do
	:: !hot -> break
	:: else ->
		if
		:: atomic { pub == head -> assert(users == 0) }; break /* go: channel.(*Receiver).Next */
		:: atomic { pub != head -> assert(users == 0);
				head++; m = head; got = true }
		fi;
#ifndef ENTERED_LATE
		atomic { assert(users == 0); taken = head }; /* go: channel.(*Receiver).Entered */
#endif
		/* go: engine.(*dispatcher).deliver */
		lock();
		if
		:: !pending && !pending2 && !hot2 && len(queue) == 0 ->
#ifdef LATE_STATE
			unlock();
			rstate[me] = INHANDLER;
#else
			rstate[me] = INHANDLER;
			unlock();
#endif
			/* go: engine.(*dispatcher).runInline */
#ifdef ENTERED_LATE
			use();
			taken = head;
			unuse();
#endif
			handle(m);
			m = 0;
#ifdef NOCAS_RETURN
			rstate[me] = NOTINLINE; ok = true;
#else
			atomic { ok = (rstate[me] == INHANDLER); if :: ok -> rstate[me] = NOTINLINE :: else fi };
#endif
#ifdef BATCH
			/* go: engine.(*dispatcher).runGrams */
			do
			:: !ok || waiting || pub == head -> break
			:: else ->
				atomic { assert(users == 0); head++; m = head; taken = head };
				rstate[me] = INHANDLER; /* a full fence; without the lock */
#ifndef NOWAITING
				if
				:: waiting ->
					atomic { ok = (rstate[me] == INHANDLER); if :: ok -> rstate[me] = NOTINLINE :: else fi };
					if
					:: ok -> atomic { !mu -> queue!m; m = 0; searchMore() }; break
					:: else
					fi
				:: else
				fi;
#endif
				handle(m);
				m = 0;
				atomic { ok = (rstate[me] == INHANDLER); if :: ok -> rstate[me] = NOTINLINE :: else fi }
			od;
#endif
			if
			:: !ok -> goto runQueue /* replaced */
			:: else
			fi
		:: true -> /* or a handler was slow lately */
			atomic { queue!m; m = 0; searchMore(); unlock() }
		fi
	od;
	if
	:: got ->
		atomic { assert(users == 0); taken = head }; /* go: channel.(*Receiver).Publish */
		goto receive
	:: else
	fi;

	/* go: engine.(*dispatcher).rest */
#ifdef ARMS
	if
	:: false ->
#else
	if
	:: hot && !hot2 ->
#endif
		/* go: engine.(*dispatcher).sleepOn */
		if
		:: atomic { !mu && (pending || pending2) -> skip }; goto receive
		:: atomic { !mu && !(pending || pending2) -> sleepsOn = true }
		fi;
		/* go: channel.(*Receiver).Sleep */
		use();
		state = FUTEX;
		if
		:: pub == head && !kicked ->
			atomic { if :: state == FUTEX -> fut = true :: else fi };
end_sleep:		!fut
		:: else
		fi;
		kicked = false;
		state = AWAKE;
		unuse();
		atomic { !mu -> sleepsOn = false };
		goto receive
#ifdef ARMS
	:: true ->
#else
	:: hot2 || !hot ->
#endif
		/* go: engine.(*dispatcher).armAll */
		lock();
		if
		:: hot && !pending ->
			hot = false;
			use();
			state = ARMED; /* go: channel.(*Receiver).Arm */
			if
			:: pub != head -> state = AWAKE; hot = true
			:: else
			fi;
			unuse()
		:: else
		fi;
		if
		:: hot2 && got2 -> hot2 = false
		:: else
		fi;
		if
		:: hot || hot2 || pending || pending2 -> unlock(); goto receive
		:: else
		fi;
		atomic { /* and parks, where nothing is queued: one step, to keep the model small */
			role = NOBODY;
			unlock();
			if
			:: empty(queue) && !searching -> ok = false; got = false; mail[me] = PARKED; goto end
			:: else
			fi
		}
	fi;

runQueue: /* go: engine.(*dispatcher).runQueue */
	do
	:: atomic { !mu && nempty(queue) -> queue?m; searching = false; searchMore() };
		handle(m);
		m = 0
	:: atomic { !mu && empty(queue) -> searching = false; ok = false; got = false; mail[me] = PARKED }; break
	od;
	goto end
}

init {
	atomic {
		run worker(0); run worker(1); run worker(2); run worker(3); run worker(4);
#ifdef BATCH
		pub = M - 1; /* all but one stand in the ring when the last wakes the receiver */
		run sender(M, true)
#else
		run sender(1, false);
#ifndef OTHER
		run sender(2, true)
#endif
#endif
	}
}

/* When all is quiet, everything was handled. */
active proctype quiet() {
	byte i;
end:	timeout && !(nudging && refired < 5);
	do
#ifdef OTHER
	:: i < M+1 -> i++; assert(handled[i])
#else
	:: i < M -> i++; assert(handled[i])
#endif
	:: else -> break
	od
}
