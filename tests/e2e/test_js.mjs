// The AWS SDK for JavaScript v3 through the main job; test_js.py runs it with the server in the
// environment. Usage: node test_js.mjs PACKAGES_FOLDER. Prints "ok STEP" lines; throws else.
// SPDX-License-Identifier: Apache-2.0
import assert from 'node:assert/strict';
import {createRequire} from 'node:module';
import {Readable} from 'node:stream';
import {gunzipSync} from 'node:zlib';

const require = createRequire(process.argv[2] + '/package.json');
const cloudtrail = require('@aws-sdk/client-cloudtrail');
const s3 = require('@aws-sdk/client-s3');

const config = {endpoint: process.env.AWS_ENDPOINT_URL, region: 'us-east-1', maxAttempts: 1};
const trails = new cloudtrail.CloudTrailClient(config);
const south = new cloudtrail.CloudTrailClient({...config, region: 'eu-south-1'});
const store = new s3.S3Client({...config, forcePathStyle: true});
const account = '111122223333';
const bucket = 'js-logs';
const name = 'js-trail';
const arn = `arn:aws:cloudtrail:us-east-1:${account}:trail/${name}`;

function trail(command, input = {}, client = trails) {
  return client.send(new cloudtrail[`${command}Command`](input));
}
function object(command, input) {
  return store.send(new s3[`${command}Command`](input));
}

async function refused(errorName, call) {
  await assert.rejects(call, error => {
    assert.equal(error.name, errorName, error.message);
    return true;
  });
}

async function waitFor(what, predicate) {
  const end = Date.now() + 60_000;
  while (Date.now() < end) {
    const value = await predicate();
    if (value) return value;
    await new Promise(resolve => setTimeout(resolve, 100));
  }
  throw new Error(`gave up waiting for ${what}`);
}

async function keys(folder) {
  const found = [];
  const pages = s3.paginateListObjectsV2({client: store, pageSize: 2}, {
    Bucket: bucket, Prefix: `AWSLogs/${account}/${folder}/us-east-1/`});
  for await (const page of pages) {
    for (const entry of page.Contents ?? []) {
      if (entry.Key.endsWith('.json.gz')) found.push(entry.Key);
    }
  }
  return found;
}

async function records() {
  const all = [];
  for (const key of await keys('CloudTrail')) {
    const answer = await object('GetObject', {Bucket: bucket, Key: key});
    const bytes = Buffer.from(await answer.Body.transformToByteArray());
    all.push(...JSON.parse(gunzipSync(bytes).toString()).Records);
  }
  return all;
}

const steps = {
  async trailIsMade() {
    await object('CreateBucket', {Bucket: bucket});
    const create = {Name: name, S3BucketName: bucket};
    await refused('InsufficientS3BucketPolicyException', trail('CreateTrail', create));
    await object('PutBucketPolicy', {Bucket: bucket, Policy: process.env.TRAIL_BUCKET_POLICY});
    const made = await trail('CreateTrail', {
      Name: name, S3BucketName: bucket, IsMultiRegionTrail: true, EnableLogFileValidation: true,
      RecursiveLogging: false, TagsList: [{Key: 'by', Value: 'js'}]});
    assert.equal(made.TrailARN, arn);
    assert.equal(made.RecursiveLogging, false);
    assert.equal(made.LogFileValidationEnabled, true);
    const tags = await trail('ListTags', {ResourceIdList: [arn]});
    assert.deepEqual(tags.ResourceTagList[0].TagsList, [{Key: 'by', Value: 'js'}]);
    const shadow = await trail('DescribeTrails', {}, south);
    assert.deepEqual(shadow.trailList.map(t => [t.Name, t.HomeRegion]), [[name, 'us-east-1']]);
  },

  async errorsHaveTheirClasses() {
    await refused('TrailNotFoundException', trail('GetTrail', {Name: 'nobody'}));
    await refused('TrailAlreadyExistsException',
        trail('CreateTrail', {Name: name, S3BucketName: bucket}));
    await refused('S3BucketDoesNotExistException',
        trail('CreateTrail', {Name: 'other', S3BucketName: 'no-such-logs'}));
    await refused('InvalidTrailNameException',
        trail('CreateTrail', {Name: 'a', S3BucketName: bucket}));
    await refused('NoSuchKey', object('GetObject', {Bucket: bucket, Key: 'nothing'}));
    await refused('NoSuchBucket', object('ListObjectsV2', {Bucket: 'no-such-bucket'}));
    await assert.rejects(trail('GetTrail', {Name: 'nobody'}), error => {
      assert.ok(error instanceof cloudtrail.TrailNotFoundException);
      assert.ok(error.$metadata.requestId);
      return true;
    });
  },

  async callsAreRecordedAndDelivered() {
    await trail('PutEventSelectors', {TrailName: name, EventSelectors: [{
      ReadWriteType: 'All', IncludeManagementEvents: true,
      DataResources: [{Type: 'AWS::S3::Object', Values: ['arn:aws:s3:::js-data/']}]}]});
    await trail('StartLogging', {Name: name});
    await object('CreateBucket', {Bucket: 'js-data'});
    const text = 'ünïcödé '.repeat(10_000);
    await object('PutObject', {Bucket: 'js-data', Key: 'a b/ü', Body: text,
      ContentType: 'text/plain; charset=utf-8', Metadata: {color: 'blue'}});
    const length = Buffer.byteLength(text);
    await object('PutObject', {Bucket: 'js-data', Key: 'stream', ContentLength: length,
      Body: Readable.from([Buffer.from(text)])});
    for (const key of ['a b/ü', 'stream']) {
      const back = await object('GetObject', {Bucket: 'js-data', Key: key});
      assert.equal(await back.Body.transformToString(), text);
    }
    const listed = await object('ListObjectsV2', {Bucket: 'js-data', Delimiter: '/'});
    assert.deepEqual(listed.CommonPrefixes, [{Prefix: 'a b/'}]);
    const gone = await object('DeleteObjects', {Bucket: 'js-data',
      Delete: {Objects: [{Key: 'a b/ü'}, {Key: 'stream'}]}});
    assert.equal(gone.Deleted.length, 2);
    const put = await waitFor('the data events', async () => {
      const puts = (await records()).filter(r => r.eventName === 'PutObject');
      return puts.length >= 2 && puts;
    });
    assert.deepEqual(put.map(r => r.requestParameters.key).sort(), ['a b/ü', 'stream']);
    assert.match(put[0].userAgent, /aws-sdk-js/);
    assert.equal(put[0].eventCategory, 'Data');
  },

  async eventsAreLookedUp() {
    const events = await waitFor('event history', async () => {
      const found = [];
      const pages = cloudtrail.paginateLookupEvents({client: trails, pageSize: 1}, {
        LookupAttributes: [{AttributeKey: 'EventName', AttributeValue: 'CreateTrail'}]});
      for await (const page of pages) found.push(...page.Events);
      return found.length >= 4 && found;  // one made, three refused
    });
    const made = events.filter(e => !JSON.parse(e.CloudTrailEvent).errorCode);
    assert.equal(made.length, 1);
    assert.ok(made[0].EventTime instanceof Date);
    assert.equal(made[0].Username, 'administrator');
    assert.equal(made[0].ReadOnly, 'false');
  },

  async loggingStopsAndTheStatusSaysSo() {
    await waitFor('a digest', async () => (await keys('CloudTrail-Digest')).length > 0);
    const running = await trail('GetTrailStatus', {Name: arn});
    assert.equal(running.IsLogging, true);
    assert.ok(running.LatestDeliveryTime instanceof Date);
    await trail('StopLogging', {Name: name});
    const stopped = await trail('GetTrailStatus', {Name: name});
    assert.equal(stopped.IsLogging, false);
    assert.ok(stopped.StopLoggingTime >= stopped.StartLoggingTime);
    const keyList = await trail('ListPublicKeys', {});
    assert.ok(keyList.PublicKeyList.length >= 1);
    assert.ok(keyList.PublicKeyList[0].Value.length > 200);
  },
};

for (const [step, run] of Object.entries(steps)) {
  await run();
  console.log(`ok ${step}`);
}
