/* A request taken ahead of its ring entry: when its place in the order comes, as it says itself. Two callers use the slots, lowest first; one
 * makes two calls, and before the second is told of a datagram that somebody else has
 * sent. Any call may be given up at any moment.
 *
 * Checked: every request is taken once, at the generation that comes next (no honest
 * caller looks like one that breaks the protocol); what was published before a call
 * was made, by anybody who told its caller, is taken before it; nothing hangs.
 *
 * Memory is sequentially consistent here. The order needs less: stores of one
 * processor are seen in their order, and what a processor has seen is seen by whom it
 * tells (x86-TSO; on arm64 the release stores and the loads that acquire them).
 *
 * Mutants:
 *   NOPOS      the request is taken whatever its place in the order
 *   NOADVANCE  its ring entry is taken once more
 *   NOGIVENUP  the entry of a request whose caller gave up meanwhile is taken once more
 */

#define FREE      0
#define WAITING   1
#define DONE      2
#define ABANDONED 3

#define DATAGRAM 3

byte gen[2], st[2];              /* the words */
byte place[2];                   /* its ring position, in the request itself */
bool busy[2];                    /* the calling process's */
byte tail, ring[4];              /* ring entries: slot + 1, or DATAGRAM */
bool told;

byte head, served[2];            /* the receiver's */

/* Ghosts. */
bool late[2];                    /* the request in the slot was made after told */
bool gram;                       /* the datagram was taken */

proctype caller(byte calls; bool waits) {
	byte s, pos, g;
	do
	:: calls == 0 -> break
	:: else ->
		if
		:: waits && calls == 1 -> told
		:: else
		fi;
		/* go: channel.(*Caller).Take */
		atomic {
			!busy[0] || !busy[1];
			s = (busy[0] -> 1 : 0);
			busy[s] = true;
			late[s] = waits && calls == 1
		};
		/* go: channel.(*Caller).Reserve */
		atomic { pos = tail; tail++ };
		/* go: channel.(*Caller).put */
		place[s] = pos;
		atomic { g = gen[s] + 1; gen[s] = g; st[s] = WAITING };
		/* go: channel.(*Caller).publish */
		ring[pos] = s + 1;
		/* go: channel.(*Caller).conclude */
		if
		:: st[s] == DONE
		:: atomic { st[s] == WAITING -> st[s] = ABANDONED };
			/* go: channel.(*Caller).reclaim */
			st[s] == FREE
		fi;
		busy[s] = false;
		calls--
	od
}

proctype sender() {
	byte pos;
	/* go: channel.(*Caller).Send */
	atomic { pos = tail; tail++ };
	ring[pos] = DATAGRAM;
	told = true
}

/* go: channel.(*Receiver).take */
inline take(s, near) {
	d_step {
		assert(gen[s] == served[s] + 1);
		served[s]++;
		assert(st[s] == WAITING || st[s] == ABANDONED);
		if
		:: st[s] == WAITING -> assert(!late[s] || gram)
		:: else
		fi;
		if
#ifdef NOADVANCE
		:: near
#endif
#ifdef NOGIVENUP
		:: near && st[s] == ABANDONED
#endif
		:: else -> head++
		fi
	};
	/* go: channel.(*Receiver).Reply */
	if
	:: atomic { st[s] == WAITING -> st[s] = DONE }
	:: atomic { st[s] == ABANDONED -> st[s] = FREE }
	fi
}

/* go: channel.(*Receiver).Next */
active proctype receiver() {
	byte e;
	run caller(2, true);
	run caller(1, false);
	run sender();
	do
	:: head == 4 -> break
	:: else ->
		/* go: channel.(*Receiver).entry */
		if
		:: atomic { ring[head] != 0 -> e = ring[head] };
			if
			:: e == DATAGRAM -> d_step { gram = true; head++ }
			:: else -> take((e - 1), false)
			fi
		/* go: channel.(*Receiver).near */
#ifdef NOPOS
		:: atomic { gen[0] == served[0] + 1 && st[0] == WAITING } ->
#else
		:: atomic { gen[0] == served[0] + 1 && st[0] == WAITING && place[0] == head } ->
#endif
			take(0, true)
		fi
	od
}
