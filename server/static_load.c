/* Filling the table, once, before the loop runs. */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <sys/stat.h>
#include <unistd.h>
#define ZLIB_CONST /* input is const */
#include <zlib.h>

#include "base/log.h"
#include "static_site.h"

enum { GZIP_WINDOW = 15 + 16 /* the largest, with a header of gzip's */ };

struct loader {
    struct static_site *site;
    const struct static_options *options;
    struct text *why;
    size_t bytes;
    size_t skipped;
};

/* --- what a file is --- */
static const struct {
    struct span ending, type;
} types[] = {
    {SPAN_CONST(".html"), SPAN_CONST("text/html; charset=utf-8")},
    {SPAN_CONST(".js"), SPAN_CONST("text/javascript; charset=utf-8")},
    {SPAN_CONST(".mjs"), SPAN_CONST("text/javascript; charset=utf-8")},
    {SPAN_CONST(".css"), SPAN_CONST("text/css; charset=utf-8")},
    {SPAN_CONST(".json"), SPAN_CONST("application/json")},
    {SPAN_CONST(".map"), SPAN_CONST("application/json")},
    {SPAN_CONST(".webmanifest"), SPAN_CONST("application/manifest+json")},
    {SPAN_CONST(".txt"), SPAN_CONST("text/plain; charset=utf-8")},
    {SPAN_CONST(".xml"), SPAN_CONST("text/xml; charset=utf-8")},
    {SPAN_CONST(".svg"), SPAN_CONST("image/svg+xml")},
    {SPAN_CONST(".png"), SPAN_CONST("image/png")},
    {SPAN_CONST(".jpg"), SPAN_CONST("image/jpeg")},
    {SPAN_CONST(".jpeg"), SPAN_CONST("image/jpeg")},
    {SPAN_CONST(".gif"), SPAN_CONST("image/gif")},
    {SPAN_CONST(".webp"), SPAN_CONST("image/webp")},
    {SPAN_CONST(".avif"), SPAN_CONST("image/avif")},
    {SPAN_CONST(".ico"), SPAN_CONST("image/x-icon")},
    {SPAN_CONST(".woff"), SPAN_CONST("font/woff")},
    {SPAN_CONST(".woff2"), SPAN_CONST("font/woff2")},
    {SPAN_CONST(".ttf"), SPAN_CONST("font/ttf")},
    {SPAN_CONST(".otf"), SPAN_CONST("font/otf")},
    {SPAN_CONST(".wasm"), SPAN_CONST("application/wasm")},
    {SPAN_CONST(".pdf"), SPAN_CONST("application/pdf")},
};

static struct span type_of(struct span path)
{
    for (size_t i = 0; i < sizeof types / sizeof *types; i++) {
        if (span_ends(path, types[i].ending)) {
            return types[i].type;
        }
    }
    return SPAN("application/octet-stream");
}

/* The build names what is in assets/ after its content; everything else may change under its
 * name. */
static struct span cache_of(struct span path)
{
    return span_starts(path, SPAN("assets/")) ? SPAN("public, max-age=31536000, immutable")
                                              : SPAN("no-cache");
}

/* Different for each form (RFC 9110, 8.8.3.3): the plain one's with a suffix. */
static struct span etag_with(struct arena *a, struct span plain, const char *suffix)
{
    return arena_printf(a, "%.*s%s\"", (int)plain.n - 1, plain.p, suffix);
}

/* --- compressed forms --- */
/* Null when it would not be smaller. */
static struct span gzip(struct arena *a, struct span plain)
{
    z_stream z = {.next_in = (const unsigned char *)plain.p, .avail_in = (uInt)plain.n};
    if (plain.n < 2 || deflateInit2(&z, Z_DEFAULT_COMPRESSION, Z_DEFLATED, GZIP_WINDOW,
                                    MAX_MEM_LEVEL, Z_DEFAULT_STRATEGY) != Z_OK) {
        return SPAN_NULL;
    }
    unsigned char *room = mem_alloc(plain.n);
    z.next_out = room;
    z.avail_out = (uInt)plain.n - 1;
    bool smaller = deflate(&z, Z_FINISH) == Z_STREAM_END;
    struct span out = smaller ? arena_copy(a, span_of((const char *)room, z.total_out)) : SPAN_NULL;
    (void)deflateEnd(&z);
    mem_free(room);
    return out;
}

/* The bytes of the file beside this one, which then is no file of its own; null when there is none
 * or it is no smaller. */
static struct span built_form(struct static_site *s, struct span path, const char *ending,
                              struct span plain)
{
    char name[PATH_MAX];
    int n = snprintf(name, sizeof name, "%.*s%s", SPAN_ARGS(path), ending);
    struct static_file *form =
        n < (int)sizeof name ? map_get(&s->files, span_of(name, (size_t)n)) : NULL;
    if (form == NULL) {
        return SPAN_NULL;
    }
    form->hidden = true;
    struct span bytes = form->forms[STATIC_PLAIN].bytes;
    return bytes.n < plain.n ? bytes : SPAN_NULL;
}

static void add_forms(struct static_site *s, struct span path, struct static_file *file)
{
    struct static_form *forms = file->forms;
    struct span plain = forms[STATIC_PLAIN].bytes;
    forms[STATIC_PLAIN].etag = http_etag(s->arena, plain);
    forms[STATIC_GZIP].etag = etag_with(s->arena, forms[STATIC_PLAIN].etag, "-gzip");
    forms[STATIC_BR].etag = etag_with(s->arena, forms[STATIC_PLAIN].etag, "-br");
    forms[STATIC_BR].bytes = built_form(s, path, ".br", plain);
    forms[STATIC_GZIP].bytes = built_form(s, path, ".gz", plain);
    if (span_is_null(forms[STATIC_GZIP].bytes)) {
        forms[STATIC_GZIP].bytes = gzip(s->arena, plain);
    }
}

static bool is_form(struct span path)
{
    return span_ends(path, SPAN(".gz")) || span_ends(path, SPAN(".br"));
}

static void add_all_forms(struct static_site *s)
{
    struct span path;
    void *value;
    for (size_t i = 0; map_next(&s->files, &i, &path, &value);) {
        struct static_file *file = value;
        if (!is_form(path)) {
            add_forms(s, path, file);
        }
    }
    for (size_t i = 0; map_next(&s->files, &i, &path, &value);) {
        struct static_file *file = value;
        if (is_form(path) && !file->hidden) {
            add_forms(s, path, file);
        }
        s->count += !file->hidden;
    }
}

/* --- reading --- */
static enum err failed(struct loader *l, struct span path, const char *what)
{
    text_addf(l->why, "%s/%.*s cannot be %s: %s.", l->options->dir, SPAN_ARGS(path), what,
              strerror(errno));
    return ERR_UNAVAILABLE;
}

static bool read_whole(int fd, char *p, size_t n)
{
    while (n > 0) {
        ssize_t got = read(fd, p, n);
        if (got < 0 && errno == EINTR) {
            continue;
        }
        if (got <= 0) {
            return false; /* it has become shorter meanwhile, or the disk is bad */
        }
        p += got;
        n -= (size_t)got;
    }
    return true;
}

static enum err check_limits(struct loader *l, size_t size)
{
    const struct static_options *o = l->options;
    if (l->site->files.count >= o->files_max) {
        text_addf(l->why, "%s holds more than %zu files.", o->dir, o->files_max);
        return ERR_LIMIT;
    }
    if (size > o->bytes_max - l->bytes) {
        text_addf(l->why, "%s holds more than %zu bytes.", o->dir, o->bytes_max);
        return ERR_LIMIT;
    }
    l->bytes += size;
    return OK;
}

static enum err load_file(struct loader *l, int fd, size_t size, struct span path)
{
    enum err e = check_limits(l, size);
    if (e != OK) {
        return e;
    }
    struct arena *a = l->site->arena;
    char *bytes = arena_alloc(a, size);
    if (!read_whole(fd, bytes, size)) {
        return failed(l, path, "read");
    }
    struct static_file *file = arena_alloc(a, sizeof *file);
    file->forms[STATIC_PLAIN].bytes = span_of(bytes, size);
    file->type = type_of(path);
    file->cache = cache_of(path);
    (void)map_put(&l->site->files, path, file);
    return OK;
}

static enum err load_folder(struct loader *l, int fd, struct span path, unsigned depth);

/* `fd` is closed here. */
static enum err load_opened(struct loader *l, int fd, struct span path, unsigned depth)
{
    struct stat about;
    enum err e = OK;
    if (fstat(fd, &about) != 0) {
        e = failed(l, path, "looked at");
    } else if (S_ISDIR(about.st_mode) && depth < CALL_SEGMENTS_MAX) {
        return load_folder(l, fd, path, depth + 1);
    } else if (S_ISREG(about.st_mode)) {
        e = load_file(l, fd, (size_t)about.st_size, path);
    } else {
        l->skipped++;
    }
    (void)close(fd);
    return e;
}

/* Without waiting for what may be a pipe, and without following a link (ELOOP). */
static enum err load_entry(struct loader *l, int folder, const char *name, struct span path,
                           unsigned depth)
{
    if (name[0] == '.') {
        l->skipped += strcmp(name, ".") != 0 && strcmp(name, "..") != 0;
        return OK;
    }
    struct span full =
        arena_printf(l->site->arena, "%.*s%s%s", SPAN_ARGS(path), path.n == 0 ? "" : "/", name);
    int fd = openat(folder, name, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
    if (fd >= 0) {
        return load_opened(l, fd, full, depth);
    }
    if (errno == ELOOP || errno == ENXIO) { /* a link; a socket */
        l->skipped++;
        return OK;
    }
    return failed(l, full, "opened");
}

static enum err load_folder(struct loader *l, int fd, struct span path, unsigned depth)
{
    DIR *dir = fdopendir(fd);
    if (dir == NULL) {
        (void)close(fd);
        return failed(l, path, "read");
    }
    enum err e = OK;
    errno = 0;
    for (const struct dirent *entry = readdir(dir); e == OK && entry != NULL;
         entry = readdir(dir)) {
        e = load_entry(l, fd, entry->d_name, path, depth);
        errno = 0; /* readdir tells its failure from the end only by this */
    }
    if (e == OK && errno != 0) {
        e = failed(l, path, "read");
    }
    (void)closedir(dir);
    return e;
}

/* --- the policy --- */
static bool is_origin(struct span s)
{
    static const char allowed[] =
        "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789.-:";
    struct span host = span_sub(s, 8, s.n);
    for (size_t i = 0; i < host.n; i++) {
        if (memchr(allowed, host.p[i], sizeof allowed - 1) == NULL) {
            return false;
        }
    }
    return span_starts(s, SPAN("https://")) && host.n > 0;
}

/* What the app needs and nothing else (CLERK-FAPI.md, section 4): its own scripts, Clerk's, which
 * inject styles, run a timer in a worker and may show Cloudflare's challenge at sign-up; outputs in
 * frames of their own. 'self' in connect-src is also the host's ws: and wss: (CSP 3). */
static struct span policy_of(struct arena *a, struct span frontend)
{
    bool clerk = !span_is_null(frontend);
    const char *challenge = clerk ? " https://challenges.cloudflare.com" : "";
    struct span origin = clerk ? arena_printf(a, " %.*s", SPAN_ARGS(frontend)) : SPAN("");
    return arena_printf(a,
                        "default-src 'none'; script-src 'self'%.*s%s; "
                        "style-src 'self' 'unsafe-inline'; worker-src 'self' blob:; "
                        "img-src 'self' data: blob: https://img.clerk.com; "
                        "font-src 'self' data:; media-src 'self' data: blob:; "
                        "connect-src 'self'%.*s; frame-src 'self' blob: data:%s; "
                        "manifest-src 'self'; object-src 'none'; base-uri 'self'; "
                        "form-action 'self'; frame-ancestors 'none'",
                        SPAN_ARGS(origin), challenge, SPAN_ARGS(origin), challenge);
}

/* --- opening --- */
static enum err load(struct loader *l)
{
    int fd = open(l->options->dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (fd < 0) {
        text_addf(l->why, "%s cannot be opened: %s.", l->options->dir, strerror(errno));
        return ERR_UNAVAILABLE;
    }
    enum err e = load_folder(l, fd, SPAN(""), 0);
    if (e != OK) {
        return e;
    }
    l->site->index = map_get(&l->site->files, SPAN("index.html"));
    if (l->site->index == NULL) {
        text_addf(l->why, "%s holds no index.html.", l->options->dir);
        return ERR_NOT_FOUND;
    }
    add_all_forms(l->site);
    return OK;
}

enum err static_open(struct static_site **out, const struct static_options *options,
                     struct text *why)
{
    if (!span_is_null(options->frontend) && !is_origin(options->frontend)) {
        text_addf(why, "\"%.*s\" is no https origin.", SPAN_ARGS(options->frontend));
        return ERR_INVALID;
    }
    struct static_site *s = mem_alloc(sizeof *s);
    s->arena = arena_new();
    struct loader l = {.site = s, .options = options, .why = why};
    enum err e = load(&l);
    if (e != OK) {
        static_close(s);
        return e;
    }
    s->policy = policy_of(s->arena, options->frontend);
    log_event(LOG_INFO, "web_app", LOG_INT("files", (int64_t)s->count),
              LOG_INT("bytes", (int64_t)l.bytes), LOG_INT("skipped", (int64_t)l.skipped));
    *out = s;
    return OK;
}

void static_close(struct static_site *s)
{
    if (s != NULL) {
        map_free(&s->files);
        arena_free(s->arena);
        mem_free(s);
    }
}

size_t static_count(const struct static_site *s)
{
    return s->count;
}
