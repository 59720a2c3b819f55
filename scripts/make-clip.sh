#!/usr/bin/env bash
# Makes src/simulator/media/test-pattern.clip, the picture and sound that simulated engines broadcast.
#
#   scripts/make-clip.sh [OUTPUT]
#
# Needs: ffmpeg with libx264 and drawtext, ffprobe, the DejaVu fonts (Debian: fonts-dejavu-core).
#
# The clip is an ordinary MPEG-TS file (PID 0x100 video, 0x101 audio) that any player opens. It is made to be
# repeated without a seam: video and audio both close after exactly 64 s = 5,760,000 ticks of 90 kHz.
#   video  1600 frames of 3600 ticks (25 per second), H.264, closed GOPs of 25 frames with B-frames
#   audio  3000 frames of 1920 ticks (1024 samples at 48 kHz), AAC-LC, one frame in each PES
# An AAC encoder begins with a frame of silence (priming) and each frame overlaps its neighbour. So three
# rounds of a sound that repeats every 64 s are encoded, and the middle round is kept: its last frame leads
# into its first one.
set -euo pipefail

output=${1:-"$(dirname "$0")/../src/simulator/media/test-pattern.clip"}
font=/usr/share/fonts/truetype/dejavu/DejaVuSansMono-Bold.ttf
size_bytes_max=3000000
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
quiet=(-hide_banner -loglevel warning -nostdin -y)

# A short beep on every whole second over a soft chord; both repeat every second.
ffmpeg "${quiet[@]}" -f lavfi \
  -i "aevalsrc=exprs='0.05*sin(2*PI*220*t)+0.05*sin(2*PI*330*t)+0.25*sin(2*PI*880*t)*lt(mod(t,1),0.08)*sin(PI*mod(t,1)/0.08)':s=48000:d=192" \
  -af aformat=sample_fmts=fltp:channel_layouts=mono \
  -c:a aac -profile:a aac_low -b:a 40k -f adts "$work/three-rounds.aac"
ffmpeg "${quiet[@]}" -i "$work/three-rounds.aac" -ss 64 -frames:a 3000 -c:a copy -f adts "$work/audio.aac"

# The large number is the frame's own, 0000 to 1599: it tells by eye, or by a screenshot, what was lost.
encode_video() { # PASS OUTPUT-ARGUMENT…
  local pass=$1
  shift
  local label="drawtext=fontfile=$font:fontcolor=white:box=1:boxcolor=black:x=(w-tw)/2"
  ffmpeg "${quiet[@]}" -f lavfi -i testsrc2=size=640x360:rate=25:duration=64 \
    -vf "$label:y=70:fontsize=40:boxborderw=10:text=acemux,
         $label:y=150:fontsize=96:boxborderw=14:text='%{eif\\:n\\:d\\:4}',
         format=yuv420p" \
    -frames:v 1600 -c:v libx264 -preset veryslow -profile:v main -b:v 255k -maxrate 300k -bufsize 150k \
    -x264-params "keyint=25:min-keyint=25:scenecut=0:open-gop=0:bframes=2:b-adapt=0:b-pyramid=none:ref=3:threads=1" \
    -pass "$pass" -passlogfile "$work/pass" "$@"
}
encode_video 1 -f null -
encode_video 2 "$work/video.mkv"

ffmpeg "${quiet[@]}" -i "$work/video.mkv" -i "$work/audio.aac" -map 0:v -map 1:a -c copy \
  -f mpegts -mpegts_start_pid 0x100 -pes_payload_size 0 -muxdelay 0 -muxpreload 0 \
  -pat_period 60 -sdt_period 60 -bitexact "$output"

count() { ffprobe -v error -count_packets -select_streams "$1" -show_entries stream=nb_read_packets -of csv=p=0 "$output" | head -1 | tr -d ','; }
video_frames=$(count v:0)
audio_frames=$(count a:0)
size_bytes=$(stat -c %s "$output")
echo "$output: $video_frames video frames, $audio_frames audio frames, $size_bytes bytes"
[ "$video_frames" = 1600 ] && [ "$audio_frames" = 3000 ] && [ "$size_bytes" -le "$size_bytes_max" ]
