// The load: many HLS viewers in one process. Each has one connection, reads its playlist every target duration, and then every
// segment that is new in it; of the media it looks at nothing but the length.
// Arguments: port, file with one playlist path a line (a viewer each), reload ms, settle ms, window ms. The viewers come spread
// over one reload. Prints {"event":"window"} when the window begins, {"event":"closing"} when it ends, and then one object with
// "event":"over": the bytes of the bodies and the replies in the window, and the times of its segments.
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

enum { PATH_MAX_BYTES = 512, REPLY_MAX = 16384, DISCARD = 1 << 20, LEAVE_MS = 500, EVENTS = 4096, NEW_MAX = 64, TIMES_MAX = 1 << 20 };

typedef enum { IDLE, CONNECTING, HEAD, PLAYLIST, SEGMENT } State;

typedef struct {
  int fd;
  State state;
  char path[PATH_MAX_BYTES]; // of its playlist
  char asked[PATH_MAX_BYTES];
  char fresh[NEW_MAX][PATH_MAX_BYTES]; // segments that it has not read yet
  int fresh_count, fresh_at;
  long long seen; // number of the newest segment it knows; -1 before the first playlist
  long long left; // bytes of the body that are still to come
  double reload_ms, asked_ms;
  int is_segment, was_idle;
  int reply_len;
  char reply[REPLY_MAX + 1]; // head, and the body of a playlist
} Viewer;

static Viewer *viewers;
static int count, epoll;
static double reload_every_ms;
static struct sockaddr_in address;
static long long bytes, playlists, segments, failed, missed;
static double *times;
static int times_count;
static int in_window;

static double now_ms(void) {
  struct timespec t;
  clock_gettime(CLOCK_MONOTONIC, &t);
  return t.tv_sec * 1e3 + t.tv_nsec / 1e6;
}

static void watch(Viewer *v, int operation, unsigned events) {
  struct epoll_event event = {.events = events, .data.ptr = v};
  epoll_ctl(epoll, operation, v->fd, &event);
}

static void hang_up(Viewer *v) {
  if (v->fd >= 0) close(v->fd);
  v->fd = -1;
}

// Tries again with the next reload.
static void fail(Viewer *v) {
  failed++;
  hang_up(v);
  v->state = IDLE;
  v->fresh_count = v->fresh_at = 0;
}

static void send_request(Viewer *v) {
  char request[PATH_MAX_BYTES + 128];
  int len = snprintf(request, sizeof request, "GET %s HTTP/1.1\r\nHost: 127.0.0.1\r\nUser-Agent: hls-sink\r\n\r\n", v->asked);
  v->state = HEAD;
  v->reply_len = 0;
  if (write(v->fd, request, len) != len) {
    fail(v);
    return;
  }
  watch(v, EPOLL_CTL_MOD, EPOLLIN);
}

static void ask(Viewer *v, const char *path, int is_segment) {
  if (v->asked != path) snprintf(v->asked, sizeof v->asked, "%s", path);
  v->is_segment = is_segment;
  v->asked_ms = now_ms();
  v->was_idle = v->fd >= 0;
  if (v->fd >= 0) {
    send_request(v);
    return;
  }
  v->fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0);
  if (v->fd < 0) {
    perror("socket");
    exit(1);
  }
  if (connect(v->fd, (struct sockaddr *)&address, sizeof address) < 0 && errno != EINPROGRESS) {
    perror("connect");
    exit(1);
  }
  v->state = CONNECTING;
  watch(v, EPOLL_CTL_ADD, EPOLLOUT);
}

// RFC 3986 5.2 as far as relative paths need it.
static void resolve(const char *base, const char *uri, char *target) {
  char folder[PATH_MAX_BYTES];
  snprintf(folder, sizeof folder, "%s", base);
  *strchrnul(folder, '?') = 0;
  char *slash = strrchr(folder, '/');
  if (slash) *slash = 0;
  while (strncmp(uri, "../", 3) == 0) {
    uri += 3;
    if ((slash = strrchr(folder, '/'))) *slash = 0;
  }
  snprintf(target, PATH_MAX_BYTES, "%.250s/%.250s", folder, uri);
}

// What is new in a playlist; a viewer who has just come begins with the newest.
static void read_playlist(Viewer *v, char *text) {
  char *sequence = strstr(text, "#EXT-X-MEDIA-SEQUENCE:");
  long long number = sequence ? atoll(sequence + 22) : 0, before = v->seen;
  v->fresh_count = v->fresh_at = 0;
  for (char *line = strtok(text, "\n"); line; line = strtok(NULL, "\n")) {
    if (*line == '#' || *line == 0) continue;
    if (before < 0) v->fresh_count = 0;
    if (number > before && v->fresh_count < NEW_MAX) {
      if (before >= 0 && number > v->seen + 1) missed++;
      resolve(v->path, line, v->fresh[v->fresh_count++]);
      v->seen = number;
    }
    number++;
  }
}

static void finish(Viewer *v) {
  if (v->is_segment) {
    if (in_window) {
      segments++;
      if (times_count < TIMES_MAX) times[times_count++] = now_ms() - v->asked_ms;
    }
  } else {
    if (in_window) playlists++;
    v->reply[v->reply_len] = 0;
    read_playlist(v, strstr(v->reply, "\r\n\r\n") + 4);
  }
  if (v->fresh_at < v->fresh_count) ask(v, v->fresh[v->fresh_at++], 1);
  else v->state = IDLE;
}

static void serve(Viewer *v) {
  if (v->state == IDLE) { // the server has had enough of an idle connection
    hang_up(v);
    return;
  }
  if (v->state == SEGMENT) {
    // MSG_TRUNC: the kernel throws the bytes away itself, the cheapest way to be a viewer.
    ssize_t got = recv(v->fd, NULL, v->left < DISCARD ? v->left : DISCARD, MSG_TRUNC);
    if (got <= 0) {
      if (got == 0 || errno != EAGAIN) fail(v);
      return;
    }
    if (in_window) bytes += got;
    v->left -= got;
    if (v->left == 0) finish(v);
    return;
  }
  ssize_t got = read(v->fd, v->reply + v->reply_len, REPLY_MAX - v->reply_len);
  if (got <= 0) {
    if (got < 0 && errno == EAGAIN) return;
    hang_up(v);
    // As clients do: a connection that was closed while the request was under way is opened again.
    if (v->was_idle && v->reply_len == 0) ask(v, v->asked, v->is_segment);
    else fail(v);
    return;
  }
  v->reply_len += got;
  v->reply[v->reply_len] = 0;
  if (v->state == HEAD) {
    char *end = strstr(v->reply, "\r\n\r\n");
    if (!end) return;
    char *length = strcasestr(v->reply, "\r\ncontent-length:");
    if (strncmp(v->reply, "HTTP/1.1 200", 12) != 0 || !length || length > end) {
      fprintf(stderr, "%s: %.60s\n", v->asked, v->reply);
      fail(v);
      return;
    }
    int body = v->reply_len - (int)(end + 4 - v->reply);
    v->left = atoll(length + 17) - body;
    if (in_window) bytes += body;
    v->state = v->is_segment ? SEGMENT : PLAYLIST;
  } else {
    v->left -= got;
    if (in_window) bytes += got;
  }
  if (v->left == 0) finish(v);
}

static int ascending(const void *a, const void *b) {
  double d = *(const double *)a - *(const double *)b;
  return (d > 0) - (d < 0);
}

static void read_viewers(const char *file) {
  FILE *lines = fopen(file, "r");
  if (!lines) {
    perror(file);
    exit(1);
  }
  char path[PATH_MAX_BYTES];
  while (fgets(path, sizeof path, lines)) {
    path[strcspn(path, "\n")] = 0;
    viewers = realloc(viewers, (count + 1) * sizeof *viewers);
    viewers[count] = (Viewer){.fd = -1, .seen = -1};
    memcpy(viewers[count++].path, path, sizeof path);
  }
  fclose(lines);
}

int main(int argc, char **argv) {
  if (argc != 6) return 2;
  address = (struct sockaddr_in){.sin_family = AF_INET, .sin_port = htons(atoi(argv[1]))};
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  read_viewers(argv[2]);
  reload_every_ms = atof(argv[3]);
  double begin = now_ms(), window_at = begin + atof(argv[4]), window_ms = atof(argv[5]), over_at = 0, took_ms = 0;
  for (int i = 0; i < count; i++) viewers[i].reload_ms = begin + reload_every_ms * i / count;
  times = malloc(TIMES_MAX * sizeof *times);
  epoll = epoll_create1(0);

  static struct epoll_event events[EVENTS];
  for (;;) {
    double now = now_ms();
    for (int i = 0; i < count; i++) {
      Viewer *v = &viewers[i];
      if (v->state != IDLE || now < v->reload_ms) continue;
      while (v->reload_ms <= now) v->reload_ms += reload_every_ms;
      ask(v, v->path, 0);
    }
    if (!in_window && took_ms == 0 && now >= window_at) {
      in_window = 1;
      window_at = now;
      printf("{\"event\":\"window\"}\n");
      fflush(stdout);
    }
    if (in_window && now >= window_at + window_ms) {
      in_window = 0;
      took_ms = now - window_at;
      over_at = now + LEAVE_MS; // for whoever looks at the server
      printf("{\"event\":\"closing\"}\n");
      fflush(stdout);
    }
    if (over_at > 0 && now >= over_at) break;
    nanosleep(&(struct timespec){.tv_nsec = 1000000}, NULL);
    int ready = epoll_wait(epoll, events, EVENTS, 0);
    for (int i = 0; i < ready; i++) {
      Viewer *v = events[i].data.ptr;
      if (v->fd < 0) continue;
      if (v->state == CONNECTING) send_request(v);
      else serve(v);
    }
  }
  qsort(times, times_count, sizeof *times, ascending);
  printf("{\"event\":\"over\",\"bytes\":%lld,\"windowMs\":%.1f,\"playlists\":%lld,\"segments\":%lld,\"failed\":%lld,\"missed\":%lld,"
         "\"segmentMsMedian\":%.1f,\"segmentMsP99\":%.1f}\n",
         bytes, took_ms, playlists, segments, failed, missed, times_count ? times[(times_count - 1) / 2] : -1,
         times_count ? times[(int)(0.99 * (times_count - 1))] : -1);
  return 0;
}
