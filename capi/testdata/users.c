/*
 * users: a server that acts as two clients at once, on two threads.
 *
 *   users serve NAME DIR  DIR has a file secret of root's, and a directory of each client's
 *                         named by its uid
 *   users ask NAME        a client
 */
#include "common.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>

static HANDLE port;
static const char *dir;
static pthread_barrier_t both;
static pthread_mutex_t mu = PTHREAD_MUTEX_INITIALIZER;

static int at(const char *name, int flags)
{
	char path[512];
	int fd;

	snprintf(path, sizeof(path), "%s/%s", dir, name);
	fd = open(path, flags, 0600);
	if (fd >= 0)
		close(fd);
	return fd < 0 ? errno : 0;
}

/* others counts the threads of this process that act as somebody else than root. */
static int others(void)
{
	DIR *d = opendir("/proc/self/task");
	struct dirent *e;
	int n = 0;

	while (d && (e = readdir(d))) {
		char path[300], line[256];
		unsigned real, effective;
		FILE *f;

		snprintf(path, sizeof(path), "/proc/self/task/%s/status", e->d_name);
		if (!(f = fopen(path, "r")))
			continue;
		while (fgets(line, sizeof(line), f))
			if (sscanf(line, "Uid: %u %u", &real, &effective) == 2 && effective != 0)
				n++;
		fclose(f);
	}
	if (d)
		closedir(d);
	return n;
}

/* heavy makes the runtime collect its garbage for the first time, for which it wants as
 * many threads as it may have: long names that are none. */
static void heavy(void)
{
	static WCHAR text[30000];
	UNICODE_STRING u = {sizeof(text), sizeof(text), text};
	OBJECT_ATTRIBUTES oa;
	HANDLE h;

	InitializeObjectAttributes(&oa, &u, 0, NULL, NULL);
	for (int i = 0; i < 200; i++)
		if (NtCreatePort(&h, &oa, 0, 0, 0) != STATUS_OBJECT_NAME_INVALID)
			exit(1);
}

static void *act(void *unused)
{
	PORT_MESSAGE_BUFFER m;
	PVOID context;
	HANDLE none = NULL;
	char made[64];
	int leader, secret, own;
	unsigned uid;

	(void)unused;
	pthread_mutex_lock(&mu);
	must(NtReplyWaitReceivePort(port, &context, NULL, &m.h));
	pthread_mutex_unlock(&mu);
	must(NtImpersonateClientOfPort((HANDLE)context, &m.h));
	uid = (unsigned)syscall(SYS_geteuid);
	snprintf(made, sizeof(made), "%u/made", uid);
	secret = at("secret", O_RDONLY);
	own = at(made, O_WRONLY | O_CREAT);
	leader = pthread_barrier_wait(&both) == PTHREAD_BARRIER_SERIAL_THREAD;
	heavy();
	pthread_barrier_wait(&both);
	pthread_mutex_lock(&mu);
	say("as the client %s: secret: %s, own: %s", memcmp(m.Data, &uid, sizeof(uid)) == 0 ? "that asked" : "that did not ask",
		secret == EACCES ? "refused" : strerror(secret), own ? strerror(own) : "made");
	pthread_mutex_unlock(&mu);
	pthread_barrier_wait(&both);
	if (leader)
		say("threads that act as somebody: %d", others());
	pthread_barrier_wait(&both);
	must(NtSetInformationThread(NtCurrentThread(), ThreadImpersonationToken, &none, sizeof(none)));
	if (syscall(SYS_geteuid) != 0)
		say("after the return the thread has uid %ld", syscall(SYS_geteuid));
	pthread_barrier_wait(&both);
	if (leader)
		say("and at the end: %d", others());
	must(NtReplyPort(port, &m.h));
	return NULL;
}

static int serve(const char *name)
{
	SECURITY_DESCRIPTOR everyone = {SECURITY_DESCRIPTOR_REVISION, 0, SE_DACL_PRESENT, NULL, NULL, NULL, NULL};
	OBJECT_ATTRIBUTES oa;
	pthread_t t[2];
	int n = 0;

	InitializeObjectAttributes(&oa, named(name), 0, NULL, &everyone);
	must(NtCreatePort(&port, &oa, 0, PORT_TOTAL_MAXIMUM_MESSAGE_LENGTH, 0));
	pthread_barrier_init(&both, NULL, 2);
	say("ready");
	for (; n < 2; n++) {
		PORT_MESSAGE_BUFFER m;
		HANDLE scp;

		must(NtReplyWaitReceivePort(port, NULL, NULL, &m.h));
		must(NtAcceptConnectPort(&scp, NULL, &m.h, TRUE, NULL, NULL));
		must(NtCompleteConnectPort(scp));
		say("connected");
	}
	for (n = 0; n < 2; n++)
		t[n] = start(act, NULL);
	while (n--)
		pthread_join(t[n], NULL);
	return 0;
}

static int ask(const char *name)
{
	PORT_MESSAGE_BUFFER m = message("");
	unsigned uid = geteuid();
	HANDLE h = connect_port(name);

	if (getchar() == EOF) /* until all have connected */
		return 1;
	set(&m, &uid, sizeof(uid));
	must(NtRequestWaitReplyPort(h, &m.h, &m.h));
	say("answered");
	return 0;
}

int main(int argc, char **argv)
{
	if (argc == 4 && strcmp(argv[1], "serve") == 0) {
		dir = argv[3];
		return serve(argv[2]);
	}
	if (argc == 3 && strcmp(argv[1], "ask") == 0)
		return ask(argv[2]);
	return 2;
}
