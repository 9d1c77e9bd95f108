/* frame: the unit of the stream between a kernel and the server (schema/kernel.yaml): a header of
 * 16 bytes and a payload. The reader is pure: it turns bytes, in whatever pieces they arrive, into
 * frames, and holds at most one frame and FRAME_CHUNK bytes. The bytes are untrusted: a header that
 * breaks the protocol is refused before its payload is waited for. */
#pragma once

#include "base/text.h"

#define FRAME_HEADER 16
#define FRAME_AFTER_RAW 1U /* the one flag, on `out` only */
#define FRAME_PAYLOAD_MAX ((size_t)16 * 1024 * 1024)
#define FRAME_STREAM_MAX ((size_t)64 * 1024) /* of stdout and stderr */
#define FRAME_CHUNK ((size_t)64 * 1024)      /* room that is offered for one read */

enum frame_kind {
    /* kernel -> server, on `out` */
    FRAME_STDOUT = 1,
    FRAME_STDERR = 2,
    FRAME_DISPLAY = 3,
    FRAME_UPDATE = 4,
    FRAME_CLEAR = 5,
    FRAME_RESULT = 6,
    FRAME_ERROR = 7,
    FRAME_DONE = 8,
    FRAME_INPUT_REQUEST = 9,
    FRAME_READY = 10,
    /* server -> kernel, on `ctl` */
    FRAME_EXECUTE = 32,
    FRAME_INPUT_REPLY = 33,
    FRAME_DROP = 34,
    FRAME_PING = 35,
    FRAME_COMPLETE_CODE = 36,
    FRAME_INSPECT = 37,
    FRAME_VARIABLES = 38,
    /* kernel and analyser -> server, on `ctl` */
    FRAME_REPLY = 48,
    /* server -> analyser */
    FRAME_ANALYSE = 64,
};

/* Which of the two sockets the bytes come from decides which kinds are allowed. */
enum frame_source { FRAME_FROM_OUT, FRAME_FROM_CTL };

struct frame {
    unsigned kind;  /* an enum frame_kind that the source allows */
    bool after_raw; /* when it was made, text waited in the pipes behind descriptors 1 and 2 */
    uint64_t run;
    struct span payload; /* borrowed from the reader, until its next frame_room */
};

static inline bool frame_is_stream(const struct frame *f)
{
    return f->kind == FRAME_STDOUT || f->kind == FRAME_STDERR;
}

struct frame_reader {
    enum frame_source source;
    char *buffer; /* owned; NULL while nothing is held */
    size_t n, cap;
    size_t taken;        /* bytes at the front that were handed out already */
    const char *problem; /* static words once the protocol is broken: "a frame of unknown kind" */
};

enum frame_step { FRAME_MORE, FRAME_COMPLETE, FRAME_BROKEN };

/* Where the next bytes go: at least FRAME_CHUNK of room, *room says how much. Frames handed out
 * before are no longer valid. Not after FRAME_BROKEN. */
char *frame_room(struct frame_reader *r, size_t *room);
/* `n` bytes were put there. */
void frame_filled(struct frame_reader *r, size_t n);
/* The next whole frame. FRAME_BROKEN is final. */
enum frame_step frame_next(struct frame_reader *r, struct frame *out);
/* Gives back memory that is not needed: all of it between frames, what a large frame took
 * otherwise. */
void frame_rest(struct frame_reader *r);
void frame_free(struct frame_reader *r);

/* Writes the header of a frame with a payload of `length` bytes. */
void frame_header(unsigned kind, uint64_t run, size_t length, char out[FRAME_HEADER]);
