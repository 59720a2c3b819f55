// The load: many viewers in one process that read and forget, and look at nothing but the clock and the first packets.
// Arguments and output are those of sink.ts, which does the same where there is no C compiler.
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

enum { PACKET = 188, START = 3 * PACKET, HEAD_MAX = 4096, DISCARD = 1 << 20, LEAVE_MS = 500, EVENTS = 4096 };

typedef struct {
  int fd;
  int stalled;
  double asked_ms, first_ms, last_ms, gap_ms;
  long long bytes;
  int head_len; // reply headers, then the first three packets, until they are complete
  int body_at;
  int started;
  unsigned char head[HEAD_MAX];
} Viewer;

static Viewer *viewers;
static int count, opened, disconnected;
static int epoll;
static char request[2048];
static struct sockaddr_in address;

static double now_ms(void) {
  struct timespec t;
  clock_gettime(CLOCK_MONOTONIC, &t);
  return t.tv_sec * 1e3 + t.tv_nsec / 1e6;
}

static void leave(Viewer *v) {
  close(v->fd);
  v->fd = -1;
  disconnected++;
}

static void join(Viewer *v) {
  v->asked_ms = v->last_ms = now_ms();
  v->fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0);
  if (v->fd < 0) {
    perror("socket");
    exit(1);
  }
  if (connect(v->fd, (struct sockaddr *)&address, sizeof address) < 0 && errno != EINPROGRESS) {
    perror("connect");
    exit(1);
  }
  struct epoll_event event = {.events = EPOLLOUT, .data.ptr = v};
  epoll_ctl(epoll, EPOLL_CTL_ADD, v->fd, &event);
}

static void ask(Viewer *v) {
  if (write(v->fd, request, strlen(request)) < 0) {
    leave(v);
    return;
  }
  struct epoll_event event = {.events = EPOLLIN, .data.ptr = v};
  epoll_ctl(epoll, EPOLL_CTL_MOD, v->fd, &event);
}

// The beginning of a reply, byte by byte as far as it is looked at. Returns 0 while more is needed.
static int read_head(Viewer *v) {
  ssize_t got = read(v->fd, v->head + v->head_len, HEAD_MAX - v->head_len);
  if (got <= 0) {
    if (got == 0 || errno != EAGAIN) leave(v);
    return 0;
  }
  v->head_len += got;
  if (v->body_at == 0) {
    unsigned char *end = memmem(v->head, v->head_len, "\r\n\r\n", 4);
    if (!end) return 0;
    v->body_at = (int)(end - v->head) + 4;
  }
  int body = v->head_len - v->body_at;
  if (body > 0 && v->first_ms == 0) v->first_ms = now_ms();
  if (body < START && v->head_len < HEAD_MAX) return 0;
  v->started = 1;
  v->bytes += body;
  v->last_ms = now_ms();
  return 1;
}

static int pid_of(const unsigned char *p) { return (p[1] & 0x1f) << 8 | p[2]; }

// Whether the first three packets are PAT, the PMT that it names, and a random access point.
static int starts_right(const Viewer *v) {
  const unsigned char *pat = v->head + v->body_at, *pmt = pat + PACKET, *access = pmt + PACKET;
  if (v->head_len - v->body_at < START) return 0;
  if (pat[0] != 0x47 || pmt[0] != 0x47 || access[0] != 0x47) return 0;
  if (pid_of(pat) != 0 || !(pat[1] & 0x40)) return 0;
  const unsigned char *program = pat + 5 + pat[4] + 8; // behind pointer field and section header
  if (((program[2] & 0x1f) << 8 | program[3]) != pid_of(pmt)) return 0;
  return (access[1] & 0x40) && (access[3] & 0x20) && access[4] > 0 && (access[5] & 0x40);
}

static void serve(Viewer *v) {
  if (!v->started) {
    if (!read_head(v)) return;
    if (v->stalled) { // never reads again
      epoll_ctl(epoll, EPOLL_CTL_DEL, v->fd, NULL);
      return;
    }
  }
  // MSG_TRUNC: the kernel throws the bytes away itself, the cheapest way to be a viewer.
  ssize_t got = recv(v->fd, NULL, DISCARD, MSG_TRUNC);
  if (got <= 0) {
    if (got == 0 || errno != EAGAIN) leave(v);
    return;
  }
  double now = now_ms();
  if (now - v->last_ms > v->gap_ms) v->gap_ms = now - v->last_ms;
  v->last_ms = now;
  v->bytes += got;
}

static long long good_bytes(void) {
  long long sum = 0;
  for (int i = 0; i < opened; i++) sum += viewers[i].stalled ? 0 : viewers[i].bytes;
  return sum;
}

static int all_started(void) {
  for (int i = 0; i < count; i++)
    if (viewers[i].fd >= 0 && !viewers[i].started) return 0;
  return opened == count;
}

static int ascending(const void *a, const void *b) {
  double d = *(const double *)a - *(const double *)b;
  return (d > 0) - (d < 0);
}

static void report(long long window_bytes, double window_ms) {
  double *first = calloc(count, sizeof *first), gap = 0, now = now_ms();
  int started = 0, wrong = 0;
  for (int i = 0; i < opened; i++) {
    Viewer *v = &viewers[i];
    if (!v->started) continue;
    first[started++] = v->first_ms - v->asked_ms;
    wrong += !starts_right(v);
    double silent = v->fd < 0 ? 0 : now - v->last_ms;
    if (!v->stalled && v->gap_ms > gap) gap = v->gap_ms;
    if (!v->stalled && silent > gap) gap = silent;
  }
  qsort(first, started, sizeof *first, ascending);
  double p50 = started ? first[(int)(0.5 * (started - 1))] : -1;
  double p99 = started ? first[(int)(0.99 * (started - 1))] : -1;
  printf("{\"event\":\"over\",\"started\":%d,\"wrongStarts\":%d,\"disconnected\":%d,\"bytes\":%lld,\"windowMs\":%.1f,"
         "\"gapMsMax\":%.1f,\"firstByteMsMedian\":%.2f,\"firstByteMsP99\":%.2f}\n",
         started, wrong, disconnected, window_bytes, window_ms, gap, p50, p99);
  fflush(stdout);
}

int main(int argc, char **argv) {
  if (argc != 8) return 2;
  count = atoi(argv[3]);
  int stalled = atoi(argv[4]);
  double arrival_ms = atof(argv[5]), window_ms = atof(argv[6]);
  double settle_ms = atof(argv[7]), patience_ms = 15000;
  address = (struct sockaddr_in){.sin_family = AF_INET, .sin_port = htons(atoi(argv[1]))};
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  snprintf(request, sizeof request, "GET %s HTTP/1.1\r\nHost: 127.0.0.1:%s\r\nConnection: close\r\n\r\n", argv[2], argv[1]);
  viewers = calloc(count, sizeof *viewers);
  epoll = epoll_create1(0);

  double begin = now_ms(), window_at = 0, took_ms = 0;
  long long before = 0, window_bytes = -1;
  static struct epoll_event events[EVENTS];
  for (;;) {
    double now = now_ms();
    while (opened < count && now >= begin + arrival_ms * opened / count) {
      // The stalled ones are spread evenly among the others.
      viewers[opened].stalled = (long long)(opened + 1) * stalled / count != (long long)opened * stalled / count;
      join(&viewers[opened++]);
    }
    if (window_at == 0 && (all_started() || now > begin + arrival_ms + patience_ms)) window_at = now + settle_ms;
    if (window_at > 0 && before == 0 && now >= window_at) {
      window_at = now;
      before = good_bytes() + 1;
      printf("{\"event\":\"window\"}\n");
      fflush(stdout);
    }
    if (before > 0 && now >= window_at + window_ms) {
      if (window_bytes < 0) {
        window_bytes = good_bytes() - before + 1;
        took_ms = now - window_at;
        printf("{\"event\":\"closing\"}\n");
        fflush(stdout);
      }
      if (now >= window_at + window_ms + LEAVE_MS) {
        report(window_bytes, took_ms);
        return 0;
      }
    }
    nanosleep(&(struct timespec){.tv_nsec = 1000000}, NULL);
    int ready = epoll_wait(epoll, events, EVENTS, 0);
    for (int i = 0; i < ready; i++) {
      Viewer *v = events[i].data.ptr;
      if (v->fd < 0) continue;
      if (events[i].events & EPOLLOUT) ask(v);
      else serve(v);
    }
  }
}
