/*
 * driver: makes the calls of lpc.h that come as lines on standard input, each in the
 * thread that the line names, and writes what came back: the other side of Processes,
 * as ServeCalls is for Go. calls.go lists the calls and how parameters are written.
 */
#define _GNU_SOURCE
#include "lines.h"

#include <lpc.h>
#include <pthread.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <unistd.h>

/* An actor is a thread and the line that it is to carry out. */
struct actor {
	struct actor *next;
	char *name, *line; /* line: NULL when it was taken */
	pthread_mutex_t mu;
	pthread_cond_t come;
	int ended; /* by Exit */
};

/* A back is a parameter that is written into the answer after the call. */
struct back {
	enum { NUMBER, BYTES, NUMBERS, TEXT } how;
	const char *name;
	void *at;
	size_t size;
};

struct call {
	const struct line *in;
	struct back back[16];
	int n;
	void *memory[32]; /* to be freed */
	int nm;
	void *last; /* what "alias" is */
	char error[256];
};

static pthread_mutex_t out = PTHREAD_MUTEX_INITIALIZER;
static pthread_key_t key;
static char *unmapped, *readonly;

static void *room(struct call *c, size_t n)
{
	return c->memory[c->nm++] = calloc(1, n ? n : 1);
}

static const char *get(struct call *c, const char *name)
{
	const char *v = field(c->in, name);

	if (!v) {
		snprintf(c->error, sizeof(c->error), "there is no parameter %s", name);
		return "nil";
	}
	return v;
}

static uint64_t number(struct call *c, const char *name)
{
	const char *v = get(c, name);

	return v[0] == '-' ? (uint64_t)strtoll(v, NULL, 0) : strtoull(v, NULL, 0);
}

static HANDLE handle(struct call *c, const char *name)
{
	return (HANDLE)(uintptr_t)number(c, name);
}

static ULONG word(struct call *c, const char *name)
{
	return (ULONG)number(c, name);
}

/* special is 1 for pointers that are none or bad ones. */
static int special(const char *v, void **p)
{
	static uint64_t zeros[128];

	*p = NULL;
	if (strcmp(v, "nil") == 0)
		return 1;
	*p = unmapped;
	if (strcmp(v, "bad") == 0)
		return 1;
	*p = (char *)zeros + 1;
	if (strcmp(v, "odd") == 0)
		return 1;
	*p = readonly;
	return strcmp(v, "ro") == 0;
}

static void returns(struct call *c, int how, const char *name, void *at, size_t size)
{
	c->back[c->n++] = (struct back){how, name, at, size};
}

static void *pointer(struct call *c, const char *name, size_t size)
{
	uint64_t v;
	void *p;

	if (special(get(c, name), &p))
		return p;
	v = number(c, name);
	p = room(c, size);
	memcpy(p, &v, size);
	returns(c, NUMBER, name, p, size);
	return p;
}

static PPORT_MESSAGE message(struct call *c, const char *name)
{
	const char *v = get(c, name);
	void *p;

	if (strcmp(v, "alias") == 0) {
		p = c->last;
	} else if (special(v, &p)) {
		return c->last = p;
	} else {
		p = room(c, sizeof(PORT_MESSAGE_BUFFER));
		if (strlen(v) == 2 * sizeof(PORT_MESSAGE_BUFFER))
			bytes(v, p);
		else
			snprintf(c->error, sizeof(c->error), "%s has %zu bytes", name, strlen(v) / 2);
	}
	returns(c, BYTES, name, p, sizeof(PORT_MESSAGE_BUFFER));
	return c->last = p;
}

static void *buffer(struct call *c, const char *name, size_t *size)
{
	const char *v = get(c, name);
	void *p;

	*size = 8;
	if (special(v, &p)) {
		if (!p)
			*size = 0;
		return p;
	}
	p = room(c, strlen(v) / 2);
	*size = bytes(v, p);
	returns(c, BYTES, name, p, *size);
	return p;
}

/* numbers reads some numbers with commas between them and makes room for what has them;
 * 0: the pointer is special. */
static int numbers(struct call *c, const char *name, uint64_t *to, int n, void **p, size_t size)
{
	const char *v = get(c, name);
	char *end = NULL;

	if (special(v, p))
		return 0;
	for (int i = 0; i < n; i++, v = end + 1) {
		to[i] = strtoull(v, &end, 0);
		if (*end != (i < n - 1 ? ',' : 0)) {
			snprintf(c->error, sizeof(c->error), "%s is not %d numbers", name, n);
			memset(to, 0, (size_t)n * sizeof(*to));
			break;
		}
	}
	*p = room(c, size);
	return 1;
}

static PPORT_VIEW view(struct call *c, const char *name)
{
	uint64_t v[6];
	PPORT_VIEW p;

	if (numbers(c, name, v, 6, (void **)&p, sizeof(*p))) {
		*p = (PORT_VIEW){(ULONG)v[0], (HANDLE)v[1], (ULONG)v[2], v[3], (PVOID)v[4], (PVOID)v[5]};
		returns(c, NUMBERS, name, p, 6);
	}
	return p;
}

static PREMOTE_PORT_VIEW remote(struct call *c, const char *name)
{
	uint64_t v[3];
	PREMOTE_PORT_VIEW p;

	if (numbers(c, name, v, 3, (void **)&p, sizeof(*p))) {
		*p = (REMOTE_PORT_VIEW){(ULONG)v[0], v[1], (PVOID)v[2]};
		returns(c, NUMBERS, name, p, 3);
	}
	return p;
}

static PSECURITY_QUALITY_OF_SERVICE quality(struct call *c, const char *name)
{
	uint64_t v[4];
	PSECURITY_QUALITY_OF_SERVICE p;

	if (numbers(c, name, v, 4, (void **)&p, sizeof(*p)))
		*p = (SECURITY_QUALITY_OF_SERVICE){(ULONG)v[0], (SECURITY_IMPERSONATION_LEVEL)v[1], (BOOLEAN)v[2], (BOOLEAN)v[3]};
	return p;
}

/* named reads a text, "=" and UTF-8, as a UNICODE_STRING. */
static PUNICODE_STRING named(struct call *c, const char *name)
{
	const unsigned char *v = (const unsigned char *)get(c, name);
	PUNICODE_STRING u;
	size_t n = 0;

	if (special((const char *)v, (void **)&u))
		return u;
	u = room(c, sizeof(*u));
	u->Buffer = room(c, 2 * strlen((const char *)v));
	for (v++; *v; v++) {
		unsigned ch = *v, more = ch >= 0xF0 ? 3 : ch >= 0xE0 ? 2 : ch >= 0xC0 ? 1 : 0;

		if (more)
			ch &= 0x3Fu >> more;
		while (more--)
			ch = ch << 6 | (*++v & 0x3F);
		if (ch >= 0x10000) {
			u->Buffer[n++] = (WCHAR)(0xD7C0 + (ch >> 10));
			ch = 0xDC00 | (ch & 0x3FF);
		}
		u->Buffer[n++] = (WCHAR)ch;
	}
	u->Length = u->MaximumLength = (USHORT)(2 * n);
	return u;
}

static PSID sid(struct call *c, const char *name)
{
	const char *v = get(c, name);
	char *end;
	uint64_t authority;
	PSID s;

	if (special(v, (void **)&s))
		return s;
	s = room(c, 8 + 15 * 4);
	if (strncmp(v, "=S-1-", 5) != 0)
		return s; /* one of revision 0, which is not valid */
	s->Revision = 1;
	authority = strtoull(v + 5, &end, 0);
	for (int i = 0; i < 6; i++)
		s->IdentifierAuthority.Value[i] = (UCHAR)(authority >> (40 - 8 * i));
	while (*end == '-')
		s->SubAuthority[s->SubAuthorityCount++] = (ULONG)strtoull(end + 1, &end, 0);
	return s;
}

static POBJECT_ATTRIBUTES attributes(struct call *c)
{
	POBJECT_ATTRIBUTES oa;
	size_t n;

	if (special(get(c, "ObjectAttributes"), (void **)&oa))
		return oa;
	oa = room(c, sizeof(*oa));
	InitializeObjectAttributes(oa, named(c, "ObjectName"), word(c, "Attributes"), NULL, NULL);
	oa->SecurityDescriptor = buffer(c, "SecurityDescriptor", &n);
	if (oa->SecurityDescriptor && n != 8)
		c->n--; /* it does not come back */
	return oa;
}

#include "calls.h"

/* answer writes what came back of a call. */
static void answer(const struct actor *a, const struct call *c, NTSTATUS s)
{
	pthread_mutex_lock(&out);
	printf("{\"thread\":\"%s\",", a->name);
	if (c->error[0]) {
		printf("\"error\":\"%s\"}\n", c->error);
	} else {
		for (int i = 0; i < c->n; i++) {
			const struct back *b = &c->back[i];
			uint64_t v = 0;

			printf("\"%s\":\"", b->name);
			if (b->how == TEXT) {
				printf("%s", (const char *)b->at);
			} else if (b->how == BYTES) {
				print_bytes(stdout, b->at, b->size);
			} else if (b->how == NUMBER) {
				memcpy(&v, b->at, b->size);
				printf("0x%lx", v);
			} else if (b->size == 6) {
				PPORT_VIEW w = b->at;

				printf("0x%x,0x%lx,0x%x,0x%lx,0x%lx,0x%lx", w->Length, (uintptr_t)w->SectionHandle, w->SectionOffset,
					w->ViewSize, (uintptr_t)w->ViewBase, (uintptr_t)w->ViewRemoteBase);
			} else {
				PREMOTE_PORT_VIEW w = b->at;

				printf("0x%x,0x%lx,0x%lx", w->Length, w->ViewSize, (uintptr_t)w->ViewBase);
			}
			printf("\",");
		}
		printf("\"status\":\"%08X\"}\n", (unsigned)s);
	}
	fflush(stdout);
	pthread_mutex_unlock(&out);
}

/* serve carries out lines for ever. The thread does not come back from it: after Exit it
 * goes on in a destructor, behind that of the library, as a thread that has ended. */
static void serve(void *arg)
{
	struct actor *a = arg;

	for (;;) {
		struct line l;
		struct call c = {.in = &l};
		NTSTATUS s;
		char *line;

		if (a->ended == 1) {
			a->ended = 2;
			answer(a, &c, STATUS_SUCCESS);
		}
		pthread_mutex_lock(&a->mu);
		while (!a->line)
			pthread_cond_wait(&a->come, &a->mu);
		line = a->line;
		a->line = NULL;
		pthread_mutex_unlock(&a->mu);
		if (!parse(line, &l))
			snprintf(c.error, sizeof(c.error), "this is no line");
		if (is(&l, "call", "Exit") && !a->ended) {
			a->ended = 1;
			free(line);
			pthread_exit(NULL);
		}
		s = c.error[0] ? 0 : make(&c);
		answer(a, &c, s);
		for (int i = 0; i < c.nm; i++)
			free(c.memory[i]);
		free(line);
	}
}

static void *begin(void *a)
{
	pthread_setspecific(key, a);
	NtClose(NULL); /* from its first call on the library knows the thread */
	serve(a);
	return NULL;
}

int main(void)
{
	struct actor *all = NULL;
	size_t size = 0, page = (size_t)sysconf(_SC_PAGESIZE);
	char *line = NULL;

	unmapped = mmap(NULL, page, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	readonly = mmap(NULL, page, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	if (unmapped == MAP_FAILED || readonly == MAP_FAILED || pthread_key_create(&key, serve) != 0)
		return 1;
	while (getline(&line, &size, stdin) > 0) {
		struct actor *a;
		struct line l;
		char *copy = strdup(line);
		const char *name;

		name = parse(copy, &l) ? field(&l, "thread") : NULL;
		if (!name) {
			fprintf(stderr, "driver: no line: %s", line);
			return 1;
		}
		for (a = all; a && strcmp(a->name, name) != 0; a = a->next)
			;
		if (!a) {
			pthread_t t;

			a = calloc(1, sizeof(*a));
			a->name = strdup(name);
			pthread_mutex_init(&a->mu, NULL);
			pthread_cond_init(&a->come, NULL);
			a->next = all;
			all = a;
			if (pthread_create(&t, NULL, begin, a) != 0)
				return 1;
			pthread_detach(t);
		}
		free(copy);
		pthread_mutex_lock(&a->mu);
		a->line = strdup(line);
		pthread_cond_signal(&a->come);
		pthread_mutex_unlock(&a->mu);
	}
	return 0;
}
