#!/usr/bin/env bash
# Makes the clips beside the test pattern, in src/simulator/media/: small pictures in the codecs and GOP structures
# that broadcasters use.
#
#   scripts/make-clips.sh [FOLDER]
#
# Needs: ffmpeg with libx264, libx265 and drawtext, ffprobe, the DejaVu fonts (Debian: fonts-dejavu-core).
#
# As with the test pattern, all streams of a clip close after exactly the same time, so that it repeats without a
# seam: 25 frames per second are 3600 ticks of 90 kHz each, AAC frames (1024 samples at 48 kHz) 1920 ticks, frames of
# MPEG-1 layer II (1152 samples) 2160 ticks. Every clip begins with a picture that refers to none before it. The
# sound is the middle round of three, so that its last frame leads into its first one.
set -euo pipefail

folder=${1:-"$(dirname "$0")/../src/simulator/media"}
font=/usr/share/fonts/truetype/dejavu/DejaVuSansMono-Bold.ttf
size_bytes_max=700000
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
quiet=(-hide_banner -loglevel error -nostdin -y)

make_audio() { # SECONDS FRAMES FORMAT OUTPUT ENCODER-ARGUMENT…
  local seconds=$1 frames=$2 format=$3 output=$4
  shift 4
  local beep="0.25*sin(2*PI*880*t)*lt(mod(t,1),0.08)*sin(PI*mod(t,1)/0.08)"
  ffmpeg "${quiet[@]}" -f lavfi -i "aevalsrc=exprs='0.05*sin(2*PI*220*t)+$beep':s=48000:d=$((seconds * 3))" \
    "$@" -f "$format" "$work/three-rounds.$format"
  ffmpeg "${quiet[@]}" -i "$work/three-rounds.$format" -ss "$seconds" -frames:a "$frames" -c copy -f "$format" "$output"
}

make_video() { # NAME SECONDS OUTPUT ENCODER-ARGUMENT…
  local name=$1 seconds=$2 output=$3
  shift 3
  local label="drawtext=fontfile=$font:fontcolor=white:box=1:boxcolor=black:x=(w-tw)/2"
  ffmpeg "${quiet[@]}" -f lavfi -i "testsrc2=size=320x180:rate=25:duration=$seconds" \
    -vf "$label:y=30:fontsize=20:text=$name,$label:y=80:fontsize=48:text='%{eif\\:n\\:d\\:4}',format=yuv420p" \
    -frames:v $((seconds * 25)) "$@" "$output"
}

join() { # NAME INPUT…
  local output="$folder/$1.clip"
  shift
  local inputs=() maps=() index=0
  for input in "$@"; do
    inputs+=(-i "$input")
    maps+=(-map "$index")
    index=$((index + 1))
  done
  ffmpeg "${quiet[@]}" "${inputs[@]}" "${maps[@]}" -c copy -f mpegts -mpegts_start_pid 0x100 -pes_payload_size 0 \
    -muxdelay 0 -muxpreload 0 -pat_period 60 -sdt_period 60 -bitexact "$output"
  echo "$output: $(stat -c %s "$output") bytes"
  [ "$(stat -c %s "$output")" -le "$size_bytes_max" ]
}

mkdir -p "$folder"
make_audio 8 375 adts "$work/aac-8.aac" -c:a aac -profile:a aac_low -b:a 32k
make_audio 24 1125 adts "$work/aac-24.aac" -c:a aac -profile:a aac_low -b:a 32k
make_audio 6 250 mp2 "$work/mp2-6.mp2" -c:a mp2 -b:a 64k

h264=(-c:v libx264 -preset veryslow -profile:v main -b:v 120k -maxrate 160k -bufsize 80k)

make_video hevc 8 "$work/hevc.mkv" -c:v libx265 -preset medium -b:v 120k \
  -x265-params "keyint=50:min-keyint=50:scenecut=0:open-gop=1:bframes=3:log-level=error:pools=1:frame-threads=1"
join hevc "$work/hevc.mkv" "$work/aac-8.aac"

make_video mpeg-2 6 "$work/mpeg2.ts" -c:v mpeg2video -b:v 400k -maxrate 400k -bufsize 400k -g 15 -bf 2 -flags +cgop \
  -sc_threshold 1000000000 -f mpegts
join mpeg-2 "$work/mpeg2.ts" "$work/mp2-6.mp2"

make_video open-gop 8 "$work/open.mkv" "${h264[@]}" \
  -x264-params "keyint=20:min-keyint=20:scenecut=0:open-gop=1:bframes=2:b-adapt=0:b-pyramid=none:threads=1"
join open-gop "$work/open.mkv" "$work/aac-8.aac"

make_video intra-refresh 8 "$work/refresh.mkv" "${h264[@]}" \
  -x264-params "keyint=25:scenecut=0:intra-refresh=1:bframes=0:ref=1:threads=1"
join intra-refresh "$work/refresh.mkv" "$work/aac-8.aac"

make_video long-gop 24 "$work/long.mkv" "${h264[@]}" \
  -x264-params "keyint=300:min-keyint=300:scenecut=0:open-gop=0:bframes=2:b-adapt=0:b-pyramid=none:threads=1"
join long-gop "$work/long.mkv" "$work/aac-24.aac"

join audio-only "$work/aac-8.aac"
