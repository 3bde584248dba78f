#!/usr/bin/env bash
# The main job with the real AWS CLI, on a throw-away server: record, deliver, validate, tamper, detect.
# Usage: tests/demo.sh TRACCIA_BINARY. Exits 0, or says which step failed.
set -euo pipefail
traccia=$(realpath "$1")
cd "$(dirname "$0")/.."
tests/python_env.sh
PATH=$PWD/build/python/bin:$(dirname "$traccia"):$PATH

work=$(mktemp -d)
server=
step="start"
finish() {
  code=$?
  [ -n "$server" ] && kill "$server" 2>/dev/null && wait "$server" 2>/dev/null || true
  if [ "$code" -ne 0 ]; then
    echo "demo: failed at step: $step" >&2
    tail -n 20 "$work/server.log" >&2 2>/dev/null || true
  fi
  rm -rf "$work"
  exit "$code"
}
trap finish EXIT

if [ -t 1 ]; then bold=$'\e[1m' plain=$'\e[0m'; else bold='' plain=''; fi
say() { step=$1; printf '\n%s%s%s\n' "$bold" "$1" "$plain"; }
show() { printf '$ %s\n' "$*"; "$@"; }
# wait_for SECONDS COMMAND…: until it succeeds
wait_for() {
  local limit=$1; shift
  for _ in $(seq $((limit * 5))); do "$@" && return 0; sleep 0.2; done
  echo "demo: gave up waiting for: $*" >&2
  return 1
}
# validate valid|invalid [TEXT…]: runs validate-logs, which must find just that
validate() {
  local want=$1; shift
  local out=$work/validate.txt code=0
  printf '$ aws cloudtrail validate-logs --trail-arn %s --start-time %s\n' "$arn" "$since"
  aws cloudtrail validate-logs --trail-arn "$arn" --start-time "$since" >"$out" 2>&1 || code=$?
  grep -v '^$' "$out" | sed 's/^/  /'
  if [ "$want" = valid ]; then [ "$code" -eq 0 ]; else [ "$code" -eq 1 ]; fi
  for text in "$@"; do grep -qF "$text" "$out" || { echo "demo: expected: $text" >&2; return 1; }; done
}

say "1. A server on a free port, with short intervals so that nobody has to wait"
echo "\$ traccia serve --data DIR --listen 127.0.0.1:0 --delivery-interval 1s --digest-interval 4s"
"$traccia" serve --data "$work/data" --listen 127.0.0.1:0 --delivery-interval 1s \
  --digest-interval 4s --regions us-east-1,eu-south-1 2>"$work/server.log" &
server=$!
wait_for 20 test -s "$work/data/endpoint"
echo '$ eval "$(traccia env --data DIR)"'
environment=$("$traccia" env --data "$work/data")
eval "$environment"
show curl -fsS "$AWS_ENDPOINT_URL/healthz"
show aws sts get-caller-identity

say "2. A bucket that admits the trail and nobody else, a trail with log-file validation, logging"
bucket=demo-trail-bucket
arn=arn:aws:cloudtrail:us-east-1:111122223333:trail/demo
since=$(date -u -d '-1 hour' +%Y-%m-%dT%H:%M:%SZ)
show aws s3 mb s3://$bucket
echo '$ aws s3api put-bucket-policy --bucket '$bucket' \'
echo '    --policy "$(traccia bucket-policy '$bucket' --trail demo)"'
aws s3api put-bucket-policy --bucket $bucket \
  --policy "$("$traccia" bucket-policy $bucket --trail demo)"
show aws cloudtrail create-trail --name demo --s3-bucket-name $bucket --enable-log-file-validation
show aws cloudtrail start-logging --name demo

say "3. API calls are recorded by themselves; your own events go in over HTTP"
show aws s3api put-bucket-versioning --bucket $bucket --versioning-configuration Status=Enabled
token=$("$traccia" token create --data "$work/data" --expires 1h)
echo '$ curl -H "Authorization: Bearer $(traccia token create --data DIR --expires 1h)" \'
echo '    --data-binary @events.ndjson $AWS_ENDPOINT_URL/v1/events'
for i in 1 2 3; do
  printf '{"eventTime":"%s","eventSource":"shop.example.com","eventName":"CreateOrder","userIdentity":{"type":"IAMUser","userName":"alice"},"requestParameters":{"orderId":%d}}\n' \
    "$(date -u +%Y-%m-%dT%H:%M:%SZ)" "$i"
done >"$work/events.ndjson"
curl -fsS -H "Authorization: Bearer $token" --data-binary "@$work/events.ndjson" \
  "$AWS_ENDPOINT_URL/v1/events"
echo

say "4. They can be looked up at once"
found() { aws cloudtrail lookup-events --lookup-attributes AttributeKey=EventName,AttributeValue=CreateOrder \
  --query 'Events[].[EventTime,EventName,Username]' --output text >"$work/found" && grep -q alice "$work/found"; }
echo '$ aws cloudtrail lookup-events --lookup-attributes AttributeKey=EventName,AttributeValue=CreateOrder'
wait_for 10 found
cat "$work/found"

say "5. The trail delivers CloudTrail log files and signs digests over them"
log_keys() { aws s3api list-objects --bucket $bucket --prefix AWSLogs/111122223333/CloudTrail/us-east-1/ \
  --query 'Contents[].Key' --output text | tr '\t' '\n' | grep json.gz; }
digest_keys() { aws s3api list-objects --bucket $bucket --prefix AWSLogs/111122223333/CloudTrail-Digest/us-east-1/ \
  --query 'Contents[].Key' --output text | tr '\t' '\n' | grep json.gz; }
delivered() { log_keys >"$work/logs" && [ "$(wc -l <"$work/logs")" -ge 1 ] \
  && digest_keys >"$work/digests" && [ "$(wc -l <"$work/digests")" -ge 3 ]; }
wait_for 30 delivered
show aws s3 ls --recursive s3://$bucket/AWSLogs/

say "6. Stop logging, and let AWS's own tool validate the trail: everything is valid"
show aws cloudtrail stop-logging --name demo
closed() { sleep 1; digest_keys >"$work/now" && ! cmp -s "$work/now" "$work/digests"; }
wait_for 20 closed
log_keys >"$work/logs"; digest_keys >"$work/digests"
validate valid "log files valid"

say "7. Somebody edits a log file: INVALID"
victim=$(head -n 1 "$work/logs")
show aws s3 cp --only-show-errors "s3://$bucket/$victim" "$work/log.json.gz"
cp "$work/log.json.gz" "$work/log.original"
echo '$ zcat log.json.gz | sed s/administrator/nobody/ | gzip > edited.json.gz'
zcat "$work/log.json.gz" | sed 's/administrator/nobody/' | gzip >"$work/edited.json.gz"
show aws s3 cp --only-show-errors "$work/edited.json.gz" "s3://$bucket/$victim"
validate invalid "$victim	INVALID: hash value doesn't match"

say "8. Somebody deletes a log file: INVALID"
show aws s3 rm "s3://$bucket/$victim"
validate invalid "$victim	INVALID: not found"
echo "(the file is put back)"
aws s3 cp --only-show-errors "$work/log.original" "s3://$bucket/$victim"
validate valid

say "9. Somebody moves a digest file: INVALID"
last=$(tail -n 1 "$work/digests")
moved=${last%Z.json.gz}; moved="${moved%????}0000Z.json.gz"
[ "$moved" != "$last" ] || moved="${moved%0000Z.json.gz}0001Z.json.gz"
show aws s3 mv --only-show-errors "s3://$bucket/$last" "s3://$bucket/$moved"
validate invalid "$moved	INVALID: has been moved from its original location"

say "10. Somebody deletes a digest file: INVALID"
second=$(tail -n 2 "$work/digests" | head -n 1)
aws s3 mv --only-show-errors "s3://$bucket/$moved" "s3://$bucket/$last"
validate valid
show aws s3 rm "s3://$bucket/$second"
validate invalid "$second	INVALID: not found"

say "11. traccia verify tells the same, and works on any CloudTrail bucket, AWS's own included"
echo "\$ traccia verify s3://$bucket --trail demo"
code=0
"$traccia" verify "s3://$bucket" --trail demo >"$work/verify.txt" || code=$?
sed 's/^/  /' "$work/verify.txt"
[ "$code" -eq 1 ] && grep -qF "$second	INVALID: not found" "$work/verify.txt"

printf '\n%sDone: recorded, delivered, validated; every tampering was found.%s\n' "$bold" "$plain"
