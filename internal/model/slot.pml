/* One slot: completion (DONE), abandon (ABANDONED), hang-up (LOST) and reuse under
 * generations. Two callers share one slot; one makes two calls, the other one. Any
 * call may be cancelled at any moment, the connection may end at any moment, and a
 * handler that has answered may answer again, late.
 *
 * Checked: a call has exactly one outcome; a reply that is there wins; the slot is
 * never given out while another call, or the server, still has it; a late answer
 * completes nothing; a slot that was given up comes back (last process); nobody
 * waits for a slot for ever (invalid end states).
 *
 * Memory is sequentially consistent here: every step is a locked instruction, but
 * for put's store of the word, which the publish that follows orders. park.pml has
 * the store buffers.
 *
 * Variants, to keep each small: HANGUP, the connection ends at any moment; LATE, a
 * handler answers twice.
 *
 * Mutants:
 *   NOGEN          the word carries no generation
 *   NOUSE          engine.Use carries no number: a stale copy answers a later message
 *   NOCAS          conclude stores instead of comparing
 *   NOCAS_REPLY    Reply stores instead of comparing
 *   NOGIVE         tooLate does not give the slot back
 *   NOGIVE_UNTAKEN take does not give back what was abandoned in the ring
 *   NOHOLD         an abandoned slot is released at once
 *   TWO_RECLAIM    two take held slots back at once: the second one's look may be of an
 *                  earlier call's slot
 *   NOTICE         nobody tells who waits for a slot of those that are given up and come back
 */

#define FREE      0
#define WAITING   1
#define DONE      2
#define ABANDONED 3
#define LOST      4

/* The slot's word: one 64-bit word, so always read and written in one step. */
byte wgen, wst;

/* The calling process. */
bool busy, held, freed, down;
bool reclaiming;                 /* the mutex of that name */
byte heldCount, starving, gens;

/* The serving process: one message record, used again and again. */
chan ring = [4] of { byte };     /* entries that were published */
byte svgen;                      /* served.gen */
bool svbusy;                     /* served.busy */
byte use, mgen;                  /* Message.use, Message.in.Gen */
bool live;                       /* the message is with a handler */
chan work = [1] of { byte };     /* to the handler: the number of the use */
byte stale;                      /* a copy of a use that a handler kept; 0: none */

/* Ghosts. */
bool owned;                      /* the slot is some call's, or held */
bool answered[6], gaveup[6];     /* by generation */

#ifdef NOGEN
#define isword(g, s) (wst == s)
#else
#define isword(g, s) (wgen == g && wst == s)
#endif

inline casword(g, old, new) {
	atomic {
		if
		:: isword(g, old) -> wst = new; ok = true
		:: else -> ok = false
		fi
	}
}

/* go: channel.(*Caller).offer */
inline offer() {
	if
	:: starving > 0 -> freed = true
	:: else
	fi
}

/* go: channel.(*Caller).Release */
inline release() {
	d_step { assert(owned); owned = false; busy = false };
	offer()
}

/* go: channel.(*Caller).reclaim */
inline reclaim() {
	if
	:: heldCount > 0 ->
#ifndef TWO_RECLAIM
		atomic { !reclaiming -> reclaiming = true };
#endif
		if
		:: held ->
			atomic { ok = isword(gens, FREE) };
			if
			:: ok ->
				atomic { ok = held; held = false }; /* who clears it, owns it */
				if
				:: ok ->
					heldCount--;
					/* takeCleanup: the peer reads the request no longer */
					assert(wst == FREE && !svbusy);
					release()
				:: else
				fi
			:: else
			fi
		:: else
		fi;
		reclaiming = false
	:: else
	fi
}

proctype caller(byte calls) {
	byte n, g;
	bool ok, cancel, h;
	do
	:: n == calls -> break
	:: else ->
		n++;
		/* Decided beforehand, acted on at any later moment. */
		if
		:: cancel = true
		:: cancel = false
		fi;
take:
		/* go: channel.(*Caller).Take */
		reclaim();
		atomic { ok = !busy; busy = true };
		if
		:: ok ->
			if
			:: down -> busy = false; break
			:: else
			fi
		:: else ->
			/* go: channel.(*Caller).waitSlot */
			starving++;
			h = busy;
			if
			:: !h -> starving--; goto take
			:: else
			fi;
			h = held;
			if
			:: h -> starving--; goto next /* ErrSlotsHeld */
			:: else
			fi;
			if
			:: atomic { freed -> freed = false }
			:: down -> starving--; break
			:: cancel -> starving--; goto next
#ifndef NOTICE
			:: heldCount > 0 && (!held || isword(gens, FREE)) /* a timer, while there are held slots: look again */
#endif
			fi;
			starving--;
			goto take
		fi;
		d_step { assert(!owned && (!svbusy || down)); owned = true };

		/* go: channel.(*Caller).put */
		gens++;
		g = gens;
		d_step { wgen = g; wst = WAITING };
		ring!g;

		/* go: channel.(*Caller).Wait */
		if
		:: !isword(g, WAITING)
		:: cancel
		:: down
		fi;

		/* go: channel.(*Caller).conclude */
		if
		:: isword(g, WAITING) && down ->
#ifdef NOCAS
			wst = LOST; ok = true;
#else
			casword(g, WAITING, LOST);
#endif
			if
			:: ok -> d_step { assert(!answered[g]); gaveup[g] = true }; release(); goto next
			:: else
			fi
		:: isword(g, WAITING) && !down && cancel ->
#ifdef NOCAS
			wst = ABANDONED; ok = true;
#else
			casword(g, WAITING, ABANDONED);
#endif
			if
			:: ok ->
				d_step { assert(!answered[g]); gaveup[g] = true };
#ifdef NOHOLD
				release();
#else
				/* go: channel.(*Caller).hold */
				held = true;
				heldCount++;
#ifndef NOTICE
				offer();
#endif
#endif
				goto next
			:: else
			fi
		:: !isword(g, WAITING)
		fi;
		/* go: channel.(*Caller).settle */
		d_step { assert(isword(g, DONE) && wgen == g && answered[g] && !gaveup[g]) };
		release();
next:		skip;
		d_step { g = 0; ok = false; cancel = false; h = false }
	od
}

/* The receiver's role. */
active proctype receiver() {
	byte g;
	bool ok;
end:	do
	:: ring?g ->
		/* go: channel.(*Receiver).take */
		assert(!svbusy || down); /* else: "published again while its request is being served" */
		if
		:: svbusy -> break /* and its peer is gone */
		:: else
		fi;
		assert(g == svgen + 1);
		svgen = g;
		if
		:: isword(g, WAITING) ->
			svbusy = true;
			/* go: engine.(*dispatcher).deliver */
			atomic { !live -> mgen = g; live = true }; /* a record that is free */
			work!use
		:: isword(g, ABANDONED) ->
#ifndef NOGIVE_UNTAKEN
			casword(g, ABANDONED, FREE)
#endif
		:: isword(g, LOST)
		:: else -> assert(down)
		fi
	od
}

/* go: channel.(*Receiver).Reply */
/* go: channel.(*Receiver).tooLate */
inline reply(g) {
	svbusy = false;
#ifdef NOCAS_REPLY
	d_step { wst = DONE; ok = true; assert(!gaveup[g]); answered[g] = true };
#else
	atomic {
		casword(g, WAITING, DONE);
		if
		:: ok -> assert(wgen == g && !answered[g] && !gaveup[g]); answered[g] = true
		:: else
		fi
	};
#endif
	if
	:: ok
	:: !ok && isword(g, ABANDONED) ->
#ifndef NOGIVE
		casword(g, ABANDONED, FREE)
#endif
	:: else
	fi
}

/* The handler, on a worker. */
active proctype handler() {
	byte n;
	bool ok;
end:	do
	:: work?n ->
		/* go: engine.Use.claim */
		atomic { ok = (use == n); if :: ok -> use++ :: else fi };
		if
		:: ok ->
			reply(mgen);
#ifdef LATE
			if
			:: stale == 0 -> stale = n + 1 /* keeps its copy */
			:: true
			fi;
#endif
			live = false /* go: engine.(*Message).finish */
		:: else
		fi
	od
}

#ifdef LATE
/* A handler that answers again, late: through the stale use, and, so that the word
 * is seen to suffice, through the slot and generation of the first message. */
active proctype late() {
	bool ok;
end:	if
	:: stale != 0 && live ->
#ifdef NOUSE
		atomic { ok = live; use++ };
#else
		atomic { ok = (use == stale - 1); if :: ok -> use++ :: else fi };
#endif
		assert(!ok)
	:: answered[1] || (gaveup[1] && svgen > 1) ->
		atomic {
			casword(1, WAITING, DONE);
			assert(!ok)
		}
	fi
}
#endif

#ifdef HANGUP
/* The connection ends, at any moment. */
active proctype hangup() {
	down = true /* go: channel.(*Caller).Down */
}
#endif

init { atomic { run caller(2); run caller(1) } }

/* When all is quiet, a slot that was given up has come back. */
active proctype quiet() {
	timeout;
	assert(down || wst == FREE || wst == DONE);
	assert(down || !svbusy)
}
