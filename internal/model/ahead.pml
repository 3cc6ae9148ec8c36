/* A request taken ahead of its ring entry: when its place in the order comes, as it
 * says itself. Two callers use the slots, lowest first; one makes two calls, and
 * before the second is told of a datagram that somebody else has sent. Any call may be
 * given up at any moment.
 *
 * Checked: every request is taken once, at the generation that comes next (no honest
 * caller looks like one that breaks the protocol); what was published before a call
 * was made, by anybody who told its caller, is taken before it; the ring holds an entry of
 * this lap or of the last one; nothing hangs.
 *
 * Memory is sequentially consistent here. The order needs less: stores of one
 * processor are seen in their order, and what a processor has seen is seen by whom it
 * tells (x86-TSO; on arm64 the release stores and the loads that acquire them).
 *
 * Mutants:
 *   NOPOS      the request is taken whatever its place in the order
 *   NOAHEAD    its ring entry is taken once more
 *   NOGIVENUP  the entry of a request whose caller gave up meanwhile is taken once more
 *   SMALL      the ring has no room for the entry of a request that was taken ahead and
 *              answered, beside those of all slots and cells
 *   STALE      what the spin saw is taken although it was taken from the ring meanwhile,
 *              and its caller had given up
 *   NOENTRY    its ring entry is not waited for: it may come a lap late, over another
 */

#define FREE      0
#define WAITING   1
#define DONE      2
#define ABANDONED 3

#define DATAGRAM 3

byte gen[2], st[2];              /* the words */
byte place[2];                   /* its ring position, in the request itself */
bool busy[2];                    /* the calling process's */
#ifdef SMALL
#define RING 3
#else
#define RING 4                   /* slots, cells and an entry that is still to be passed fit */
#endif
#define GRAMS 2
#define ALL (3 + GRAMS)
byte tail, ring[RING], lap[RING]; /* ring entries: slot + 1, or DATAGRAM; laps from 1 */
bool told;

byte head, served[2];            /* the receiver's */
bool ahead, seen;                /* seen: by the spin, in the near slot */
bool live;                       /* what was taken last is to be answered */

/* Ghosts. */
bool late[2];                    /* the request in the slot was made after told */
byte grams;                      /* datagrams taken */

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
		atomic { ring[pos % RING] = s + 1; lap[pos % RING] = pos / RING + 1 };
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
	byte pos, n;
	do
	:: n == GRAMS -> break
	:: else ->
		/* go: channel.(*Caller).Send */
		grams == n; /* one cell: it is free again */
		atomic { pos = tail; tail++ };
		atomic { ring[pos % RING] = DATAGRAM; lap[pos % RING] = pos / RING + 1 };
		told = true;
		n++
	od
}

/* go: channel.(*Receiver).take */
inline take(s, near) {
	d_step {
		assert(gen[s] == served[s] + 1);
#ifndef NOPOS
		assert(place[s] == head);
#endif
		served[s]++;
		live = (st[s] == WAITING);
		assert(st[s] == WAITING || st[s] == ABANDONED);
		if
		:: st[s] == WAITING -> assert(!late[s] || grams > 0)
		:: else
		fi;
		if
#ifdef NOAHEAD
		:: near
#else
#ifdef NOENTRY
		:: near -> head++
#else
#ifdef NOGIVENUP
		:: near -> ahead = (st[s] == WAITING)
#else
		:: near -> ahead = true
#endif
#endif
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

active proctype receiver() {
	byte e;
	bool more;
	run caller(2, true);
	run caller(1, false);
	run sender();
	do
	:: head == ALL -> break
	:: else ->
		/* go: channel.(*Receiver).Spin */
		if
		:: lap[head % RING] != head / RING
		/* go: channel.(*Receiver).near */
#ifdef NOPOS
		:: atomic { !ahead && gen[0] == served[0] + 1 && st[0] == WAITING -> seen = true }
#else
		:: atomic { !ahead && gen[0] == served[0] + 1 && st[0] == WAITING && place[0] == head -> seen = true }
#endif
		fi;
		/* go: channel.(*Receiver).Next */
		more = true;
		do
		:: !more -> break
		:: more ->
			/* go: channel.(*Receiver).entry */
			if
			:: atomic { lap[head % RING] != head / RING -> e = ring[head % RING] };
				assert(lap[head % RING] == head / RING + 1);
				if
				:: ahead -> d_step { assert(e == 1); ahead = false; head++ }
				:: !ahead && e == DATAGRAM -> d_step { grams++; head++; more = false }
				:: !ahead && e != DATAGRAM -> take((e - 1), false);
					more = !live;
#ifndef STALE
					seen = false
#endif
				fi
			:: atomic { lap[head % RING] == head / RING -> more = false };
				if
				:: seen -> take(0, true)
				:: else
				fi
			fi
		od;
		seen = false
	od
}
