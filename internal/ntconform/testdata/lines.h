/*
 * lines.h: the lines that driver.c reads and writes. Each is a JSON object whose values
 * are all texts.
 */
#ifndef LINES_H
#define LINES_H

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define MOST_FIELDS 32

struct line {
	int n;
	char *name[MOST_FIELDS], *value[MOST_FIELDS];
};

/* utf8 appends a character. */
static char *utf8(char *to, unsigned c)
{
	if (c < 0x80) {
		*to++ = (char)c;
	} else if (c < 0x800) {
		*to++ = (char)(0xC0 | c >> 6);
		*to++ = (char)(0x80 | (c & 0x3F));
	} else if (c < 0x10000) {
		*to++ = (char)(0xE0 | c >> 12);
		*to++ = (char)(0x80 | (c >> 6 & 0x3F));
		*to++ = (char)(0x80 | (c & 0x3F));
	} else {
		*to++ = (char)(0xF0 | c >> 18);
		*to++ = (char)(0x80 | (c >> 12 & 0x3F));
		*to++ = (char)(0x80 | (c >> 6 & 0x3F));
		*to++ = (char)(0x80 | (c & 0x3F));
	}
	return to;
}

/* text reads a JSON text where it stands, and gives what is behind it; NULL: it is none. */
static char *text(char *from, char **out)
{
	char *to;

	while (*from == ' ' || *from == ',' || *from == ':' || *from == '{')
		from++;
	if (*from++ != '"')
		return NULL;
	for (*out = to = from; *from != '"'; from++) {
		unsigned c, low;

		if (*from == 0)
			return NULL;
		if (*from != '\\') {
			*to++ = *from;
			continue;
		}
		switch (*++from) {
		case 'n': *to++ = '\n'; break;
		case 't': *to++ = '\t'; break;
		case 'r': *to++ = '\r'; break;
		case 'b': *to++ = '\b'; break;
		case 'f': *to++ = '\f'; break;
		case 'u':
			if (sscanf(from + 1, "%4x", &c) != 1)
				return NULL;
			from += 4;
			if (c >> 10 == 0x36 && sscanf(from + 1, "\\u%4x", &low) == 1) {
				c = 0x10000 + ((c & 0x3FF) << 10) + (low & 0x3FF);
				from += 6;
			}
			to = utf8(to, c);
			break;
		default: *to++ = *from;
		}
	}
	*to = 0;
	return from + 1;
}

/* parse takes a line apart, in place; 0: it is none. */
static int parse(char *from, struct line *l)
{
	for (l->n = 0; l->n < MOST_FIELDS; l->n++) {
		while (*from == ' ' || *from == ',')
			from++;
		if (*from == '}')
			return 1;
		from = text(from, &l->name[l->n]);
		if (!from || !(from = text(from, &l->value[l->n])))
			return 0;
	}
	return 0;
}

static const char *field(const struct line *l, const char *name)
{
	for (int i = 0; i < l->n; i++)
		if (strcmp(l->name[i], name) == 0)
			return l->value[i];
	return NULL;
}

static int is(const struct line *l, const char *name, const char *value)
{
	const char *v = field(l, name);

	return v && strcmp(v, value) == 0;
}

/* bytes reads hex, two digits a byte. */
static size_t bytes(const char *hex, unsigned char *to)
{
	size_t n = strlen(hex) / 2;
	unsigned v;

	for (size_t i = 0; i < n; i++) {
		sscanf(hex + 2 * i, "%2x", &v);
		to[i] = (unsigned char)v;
	}
	return n;
}

static void print_bytes(FILE *f, const unsigned char *b, size_t n)
{
	for (size_t i = 0; i < n; i++)
		fprintf(f, "%02x", b[i]);
}

#endif
