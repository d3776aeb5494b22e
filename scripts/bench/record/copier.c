// copier FOLDER rtsp://HOST:PORT/PATH... : asks each address for its media (RTSP over TCP, interleaved; RFC 2326) and
// writes what comes on connection n into FOLDER/n.rtp, byte for byte, until SIGTERM. Prints "playing" when all play.
//
// It is the least a recorder can do: read into a buffer a camera, write when that is full, sleep between rounds so that
// the kernel gathers. It parses no packet, finds no frame, syncs nothing and recovers from nothing.
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#define BUFFER_BYTES (256 * 1024)
#define NAP_MS 100
// Well within the minute a session lives unheard (RFC 2326 12.37).
#define KEEP_ALIVE_SEC 25
#define MAX_REPLY_BYTES (64 * 1024)

struct camera {
  int socket;
  int file;
  size_t fill;
  char *buffer;
  char url[512];
  char session[128];
};

static volatile sig_atomic_t is_stopping;
static int cseq;

static void on_signal(int number) {
  (void)number;
  is_stopping = 1;
}

static void fail(const char *what, const char *url) {
  fprintf(stderr, "copier: %s: %s: %s\n", url, what, errno ? strerror(errno) : "");
  exit(1);
}

static void write_all(int file, const char *bytes, size_t count) {
  while (count > 0) {
    ssize_t written = write(file, bytes, count);
    if (written < 0) {
      if (errno == EINTR) continue;
      fail("write", "file");
    }
    bytes += written;
    count -= (size_t)written;
  }
}

static void connect_to(struct camera *camera) {
  char host[128];
  int port = 554;
  if (sscanf(camera->url, "rtsp://%127[^:/]:%d", host, &port) < 1) fail("address", camera->url);
  struct sockaddr_in address = {.sin_family = AF_INET, .sin_port = htons((uint16_t)port)};
  if (inet_pton(AF_INET, host, &address.sin_addr) != 1) fail("address", camera->url);
  camera->socket = socket(AF_INET, SOCK_STREAM, 0);
  if (connect(camera->socket, (struct sockaddr *)&address, sizeof address) < 0) fail("connect", camera->url);
  int yes = 1;
  setsockopt(camera->socket, IPPROTO_TCP, TCP_NODELAY, &yes, sizeof yes);
}

static void request(struct camera *camera, const char *method, const char *url, const char *headers) {
  char text[2048];
  int count = snprintf(text, sizeof text, "%s %s RTSP/1.0\r\nCSeq: %d\r\n%s%s%s%s\r\n", method, url, ++cseq,
                       camera->session[0] ? "Session: " : "", camera->session, camera->session[0] ? "\r\n" : "",
                       headers);
  write_all(camera->socket, text, (size_t)count);
}

// Reads one reply, head and body, into `reply` (ended by a zero). What the camera sent beyond it is left in the socket.
static void reply_to(struct camera *camera, char *reply) {
  size_t fill = 0;
  char *head_end = NULL;
  while (head_end == NULL) {
    if (fill + 1 >= MAX_REPLY_BYTES || read(camera->socket, reply + fill, 1) != 1) fail("read reply", camera->url);
    reply[++fill] = 0;
    if (fill >= 4 && memcmp(reply + fill - 4, "\r\n\r\n", 4) == 0) head_end = reply + fill;
  }
  char *length = strcasestr(reply, "\r\nContent-Length:");
  size_t body = length ? strtoul(length + 17, NULL, 10) : 0;
  if (fill + body + 1 >= MAX_REPLY_BYTES) fail("a reply too long", camera->url);
  while (body > 0) {
    ssize_t count = read(camera->socket, reply + fill, body);
    if (count <= 0) fail("read reply", camera->url);
    fill += (size_t)count;
    body -= (size_t)count;
  }
  reply[fill] = 0;
  errno = 0;
  if (strncmp(reply, "RTSP/1.0 200", 12) != 0) fail("refused", camera->url);
  char *session = strcasestr(reply, "\r\nSession:");
  if (session) sscanf(session + 10, " %127[^;\r\n]", camera->session);
}

static void play(struct camera *camera) {
  static char description[MAX_REPLY_BYTES], reply[MAX_REPLY_BYTES];
  request(camera, "DESCRIBE", camera->url, "Accept: application/sdp\r\n");
  reply_to(camera, description);
  int channel = 0;
  // Every media section's own address; the one before the first section is the session's.
  for (char *at = strstr(description, "\nm="); at && (at = strstr(at, "\na=control:")); at += 11) {
    char control[256], url[1024], transport[128];
    sscanf(at + 11, "%255[^\r\n]", control);
    if (strncmp(control, "rtsp://", 7) == 0) snprintf(url, sizeof url, "%s", control);
    else snprintf(url, sizeof url, "%s/%s", camera->url, control);
    snprintf(transport, sizeof transport, "Transport: RTP/AVP/TCP;unicast;interleaved=%d-%d\r\n", channel, channel + 1);
    request(camera, "SETUP", url, transport);
    reply_to(camera, reply);
    channel += 2;
  }
  request(camera, "PLAY", camera->url, "Range: npt=0-\r\n");
  reply_to(camera, reply);
}

// One read of what has gathered; another only where it may have been more than there was room for.
static void take(struct camera *camera) {
  for (;;) {
    ssize_t count = read(camera->socket, camera->buffer + camera->fill, BUFFER_BYTES - camera->fill);
    if (count < 0 && (errno == EAGAIN || errno == EINTR)) return;
    if (count <= 0) fail("the camera closed", camera->url);
    camera->fill += (size_t)count;
    if (camera->fill < BUFFER_BYTES) return;
    write_all(camera->file, camera->buffer, camera->fill);
    camera->fill = 0;
  }
}

int main(int argc, char **argv) {
  if (argc < 3) {
    fprintf(stderr, "usage: copier FOLDER URL...\n");
    return 2;
  }
  struct sigaction action = {.sa_handler = on_signal};
  sigaction(SIGTERM, &action, NULL);
  sigaction(SIGINT, &action, NULL);
  int count = argc - 2;
  struct camera *cameras = calloc((size_t)count, sizeof *cameras);
  int poll = epoll_create1(0);
  for (int i = 0; i < count; i++) {
    struct camera *camera = &cameras[i];
    snprintf(camera->url, sizeof camera->url, "%s", argv[i + 2]);
    char path[4096];
    snprintf(path, sizeof path, "%s/%d.rtp", argv[1], i);
    camera->file = open(path, O_CREAT | O_WRONLY | O_TRUNC, 0640);
    if (camera->file < 0) fail("open", path);
    camera->buffer = malloc(BUFFER_BYTES);
    connect_to(camera);
    play(camera);
    fcntl(camera->socket, F_SETFL, O_NONBLOCK);
    struct epoll_event event = {.events = EPOLLIN, .data.ptr = camera};
    epoll_ctl(poll, EPOLL_CTL_ADD, camera->socket, &event);
  }
  puts("playing");
  fflush(stdout);
  time_t alive = time(NULL);
  while (!is_stopping) {
    struct epoll_event events[256];
    int ready = epoll_wait(poll, events, 256, 1000);
    for (int i = 0; i < ready; i++) take(events[i].data.ptr);
    if (time(NULL) - alive >= KEEP_ALIVE_SEC) {
      alive = time(NULL);
      for (int i = 0; i < count; i++) request(&cameras[i], "OPTIONS", cameras[i].url, "");
    }
    struct timespec nap = {.tv_nsec = NAP_MS * 1000000L};
    nanosleep(&nap, NULL);
  }
  for (int i = 0; i < count; i++) write_all(cameras[i].file, cameras[i].buffer, cameras[i].fill);
  return 0;
}
