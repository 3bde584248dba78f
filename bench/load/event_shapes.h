// The API calls that make up the load, by weight, as a busy account shows them.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string_view>

namespace traccia::load {

// In templates: $R17; the resource's own hex id, $U; a random UUID, $H40; random hex, $B76; random
// base64, $T; the time, $P; a name from a small pool, $A; the account, $G; the region.
struct CallShape {
  int weight;
  std::string_view source;  // without .amazonaws.com
  std::string_view name;
  bool read_only;
  std::string_view resource_type;  // empty: no resources member
  std::string_view resource_arn;
  std::string_view parameters;
  std::string_view response;
  std::string_view additional;  // additionalEventData; empty: none
};

inline constexpr std::string_view kS3Data =
    R"({"SignatureVersion":"SigV4","CipherSuite":"ECDHE-RSA-AES128-GCM-SHA256",)"
    R"("bytesTransferredIn":0,"AuthenticationMethod":"AuthHeader","x-amz-id-2":"$B76;",)"
    R"("bytesTransferredOut":1423})";

inline constexpr CallShape kCallShapes[] = {
    {130, "sts", "AssumeRole", true, "AWS::IAM::Role", "arn:aws:iam::$A;:role/$P;",
     R"({"roleArn":"arn:aws:iam::$A;:role/$P;","roleSessionName":"session-$H12;",)"
     R"("durationSeconds":3600})",
     R"({"credentials":{"accessKeyId":"ASIA$R16;","sessionToken":"$B88;",)"
     R"("expiration":"$T;"},)"
     R"("assumedRoleUser":{"assumedRoleId":"AROA5EXAMPLE3KQ7ZZX2M:session",)"
     R"("arn":"arn:aws:sts::$A;:assumed-role/$P;/session"}})",
     ""},
    {40, "sts", "GetCallerIdentity", true, "", "", "null", "null", R"({"trace":"$B64;"})"},
    {110, "ec2", "DescribeInstances", true, "", "",
     R"({"maxResults":1000,"nextToken":"$B96;","instancesSet":{},)"
     R"("filterSet":{"items":[{"name":"tag:Service",)"
     R"("valueSet":{"items":[{"value":"$P;"}]}}]}})",
     "null", ""},
    {45, "ec2", "DescribeVolumes", true, "AWS::EC2::Volume", "arn:aws:ec2:$G;:$A;:volume/vol-$R17;",
     R"({"volumeSet":{"items":[{"volumeId":"vol-$R17;"}]},"filterSet":{},"nextToken":"$B72;"})",
     "null", ""},
    {35, "ec2", "DescribeNetworkInterfaces", true, "", "",
     R"({"networkInterfaceIdSet":{"items":[{"networkInterfaceId":"eni-$H17;"},)"
     R"({"networkInterfaceId":"eni-$H17;"},{"networkInterfaceId":"eni-$H17;"}]},)"
     R"("filterSet":{},"clientToken":"$U;"})",
     "null", ""},
    {30, "ec2", "DescribeSecurityGroups", true, "AWS::EC2::SecurityGroup",
     "arn:aws:ec2:$G;:$A;:security-group/sg-$R17;",
     R"({"securityGroupSet":{},"securityGroupIdSet":{"items":[{"groupId":"sg-$R17;"}]},)"
     R"("filterSet":{},"nextToken":"$B64;"})",
     "null", ""},
    {18, "ec2", "RunInstances", false, "AWS::EC2::Instance", "arn:aws:ec2:$G;:$A;:instance/i-$R17;",
     R"({"instancesSet":{"items":[{"imageId":"ami-0f1e2d3c4b5a69788","minCount":1,)"
     R"("maxCount":1}]},"instanceType":"m6i.large","monitoring":{"enabled":false},)"
     R"("clientToken":"$U;"})",
     R"({"requestId":"$U;","reservationId":"r-$H17;",)"
     R"("instancesSet":{"items":[{"instanceId":"i-$R17;","currentState":{"code":0,)"
     R"("name":"pending"},"privateDnsName":"ip-$H8;.ec2.internal",)"
     R"("networkInterfaceId":"eni-$H17;"}]}})",
     ""},
    {12, "ec2", "TerminateInstances", false, "AWS::EC2::Instance",
     "arn:aws:ec2:$G;:$A;:instance/i-$R17;",
     R"({"instancesSet":{"items":[{"instanceId":"i-$R17;"},{"instanceId":"i-$H17;"}]}})",
     R"({"requestId":"$U;","instancesSet":{"items":[{"instanceId":"i-$R17;",)"
     R"("currentState":{"code":32,"name":"shutting-down"},"previousState":{"code":16,)"
     R"("name":"running"}}]},"trace":"$B40;"})",
     ""},
    {22, "ec2", "CreateTags", false, "AWS::EC2::Instance", "arn:aws:ec2:$G;:$A;:instance/i-$R17;",
     R"({"resourcesSet":{"items":[{"resourceId":"i-$R17;"}]},)"
     R"("tagSet":{"items":[{"key":"Name","value":"$P;-$H8;"},{"key":"build",)"
     R"("value":"$H40;"}]}})",
     R"({"requestId":"$U;","_return":true})", ""},
    {8, "ec2", "AuthorizeSecurityGroupIngress", false, "AWS::EC2::SecurityGroup",
     "arn:aws:ec2:$G;:$A;:security-group/sg-$R17;",
     R"({"groupId":"sg-$R17;","ipPermissions":{"items":[{"ipProtocol":"tcp",)"
     R"("fromPort":443,"toPort":443,"groups":{"items":[{"groupId":"sg-$H17;"}]}}]}})",
     R"({"requestId":"$U;","_return":true,)"
     R"("securityGroupRuleSet":{"items":[{"groupId":"sg-$R17;",)"
     R"("securityGroupRuleId":"sgr-$H17;","isEgress":false}]}})",
     ""},
    {70, "s3", "GetBucketAcl", true, "AWS::S3::Bucket", "arn:aws:s3:::$P;",
     R"({"bucketName":"$P;","Host":"$P;.s3.amazonaws.com","acl":""})", "null", kS3Data},
    {30, "s3", "GetBucketLocation", true, "AWS::S3::Bucket", "arn:aws:s3:::$P;",
     R"({"bucketName":"$P;","Host":"$P;.s3.amazonaws.com","location":""})", "null", kS3Data},
    {25, "s3", "GetBucketEncryption", true, "AWS::S3::Bucket", "arn:aws:s3:::$P;",
     R"({"bucketName":"$P;","Host":"$P;.s3.amazonaws.com","encryption":""})", "null", kS3Data},
    {8, "s3", "PutBucketPolicy", false, "AWS::S3::Bucket", "arn:aws:s3:::$P;",
     R"({"bucketName":"$P;","bucketPolicy":{"Version":"2012-10-17",)"
     R"("Statement":[{"Sid":"s$H8;","Effect":"Allow",)"
     R"("Principal":{"AWS":"arn:aws:iam::$A;:root"},"Action":"s3:GetObject",)"
     R"("Resource":"arn:aws:s3:::$P;/*"}]},"Host":"$P;.s3.amazonaws.com","policy":""})",
     "null", kS3Data},
    {80, "kms", "Decrypt", true, "AWS::KMS::Key", "arn:aws:kms:$G;:$A;:key/$P;",
     R"({"encryptionContext":{"aws:lambda:FunctionArn":"arn:aws:lambda:$G;:$A;:function:)"
     R"($P;","trace":"$B40;"},"encryptionAlgorithm":"SYMMETRIC_DEFAULT"})",
     "null", R"({"keyMaterialId":"$H40;"})"},
    {45, "kms", "GenerateDataKey", true, "AWS::KMS::Key", "arn:aws:kms:$G;:$A;:key/$P;",
     R"({"keyId":"arn:aws:kms:$G;:$A;:key/$P;",)"
     R"("encryptionContext":{"aws:s3:arn":"arn:aws:s3:::$P;/$H32;/part-$H8;"},)"
     R"("keySpec":"AES_256"})",
     "null", R"({"keyMaterialId":"$H64;"})"},
    {30, "logs", "CreateLogStream", false, "AWS::Logs::LogGroup",
     "arn:aws:logs:$G;:$A;:log-group:/aws/lambda/$P;",
     R"({"logGroupName":"/aws/lambda/$P;","logStreamName":"2026/11/25/[LATEST]$H32;",)"
     R"("sequenceToken":"$B56;"})",
     "null", ""},
    {18, "logs", "DescribeLogGroups", true, "", "",
     R"({"logGroupNamePrefix":"/aws/$P;","limit":50,"nextToken":"$B80;"})", "null", ""},
    {28, "lambda", "GetFunction20150331v2", true, "AWS::Lambda::Function",
     "arn:aws:lambda:$G;:$A;:function:$P;", R"({"functionName":"$P;","qualifier":"$H12;"})",
     R"(null)", R"({"functionVersion":"$H64;","trace":"$B24;"})"},
    {8, "lambda", "UpdateFunctionCode20150331v2", false, "AWS::Lambda::Function",
     "arn:aws:lambda:$G;:$A;:function:$P;",
     R"({"functionName":"$P;","s3Bucket":"deployments-$G;","s3Key":"builds/$H40;.zip",)"
     R"("publish":true,"dryRun":false})",
     R"({"functionName":"$P;","runtime":"python3.12","codeSha256":"$B43;=",)"
     R"("revisionId":"$U;","memorySize":512,"timeout":30,"state":"Active",)"
     R"("lastUpdateStatus":"InProgress"})",
     ""},
    {35, "dynamodb", "DescribeTable", true, "AWS::DynamoDB::Table",
     "arn:aws:dynamodb:$G;:$A;:table/$P;", R"({"tableName":"$P;"})", "null",
     R"({"trace":"$B80;"})"},
    {26, "ecr", "BatchGetImage", true, "AWS::ECR::Repository", "arn:aws:ecr:$G;:$A;:repository/$P;",
     R"({"registryId":"$A;","repositoryName":"$P;",)"
     R"("imageIds":[{"imageDigest":"sha256:$H64;"}],)"
     R"("acceptedMediaTypes":["application/vnd.oci.image.manifest.v1+json"]})",
     "null", R"({"trace":"$B32;"})"},
    {9, "ecr", "PutImage", false, "AWS::ECR::Repository", "arn:aws:ecr:$G;:$A;:repository/$P;",
     R"({"registryId":"$A;","repositoryName":"$P;","imageTag":"build-$H12;",)"
     R"("imageDigest":"sha256:$H64;"})",
     R"({"image":{"registryId":"$A;","repositoryName":"$P;",)"
     R"("imageId":{"imageDigest":"sha256:$H64;","imageTag":"latest"}}})",
     ""},
    {30, "ssm", "GetParameter", true, "AWS::SSM::Parameter", "arn:aws:ssm:$G;:$A;:parameter/$P;",
     R"({"name":"/$P;/config","withDecryption":true})", "null", R"({"trace":"$B80;"})"},
    {35, "ssm", "UpdateInstanceInformation", false, "AWS::EC2::Instance",
     "arn:aws:ec2:$G;:$A;:instance/i-$R17;",
     R"({"instanceId":"i-$R17;","agentVersion":"3.3.1142.0","agentStatus":"Active",)"
     R"("platformType":"Linux","platformName":"Amazon Linux","platformVersion":"2023",)"
     R"("iPAddress":"10.12.7.41","computerName":"ip-$H8;.ec2.internal",)"
     R"("agentName":"amazon-ssm-agent","sSMConnectionChannel":"$B56;"})",
     "null", ""},
    {16, "secretsmanager", "GetSecretValue", true, "AWS::SecretsManager::Secret",
     "arn:aws:secretsmanager:$G;:$A;:secret:$P;-a1B2c3",
     R"({"secretId":"arn:aws:secretsmanager:$G;:$A;:secret:$P;-a1B2c3","versionId":"$U;"})", "null",
     R"({"trace":"$B64;"})"},
    {22, "monitoring", "DescribeAlarms", true, "", "",
     R"({"maxRecords":100,"alarmNamePrefix":"$P;","nextToken":"$B88;"})", "null", ""},
    {14, "autoscaling", "DescribeAutoScalingGroups", true, "", "",
     R"({"autoScalingGroupNames":["$P;-$H8;"],"maxRecords":100,"nextToken":"$B76;"})", "null", ""},
    {20, "elasticloadbalancing", "DescribeTargetHealth", true, "", "",
     R"({"targetGroupArn":"arn:aws:elasticloadbalancing:$G;:$A;:targetgroup/$P;/$R16;"})", "null",
     R"({"trace":"$B80;"})"},
    {14, "iam", "GetRole", true, "AWS::IAM::Role", "arn:aws:iam::$A;:role/$P;",
     R"({"roleName":"$P;"})", "null", R"({"trace":"$B80;"})"},
    {12, "iam", "ListAttachedRolePolicies", true, "AWS::IAM::Role", "arn:aws:iam::$A;:role/$P;",
     R"({"roleName":"$P;","marker":"$B84;"})", "null", ""},
    {4, "iam", "CreateAccessKey", false, "AWS::IAM::User", "arn:aws:iam::$A;:user/$P;",
     R"({"userName":"$P;"})",
     R"({"accessKey":{"userName":"$P;","accessKeyId":"AKIA$R16;","status":"Active",)"
     R"("createDate":"$T;"},"trace":"$B64;"})",
     ""},
    {3, "iam", "AttachRolePolicy", false, "AWS::IAM::Role", "arn:aws:iam::$A;:role/$P;",
     R"({"roleName":"$P;","policyArn":"arn:aws:iam::aws:policy/ReadOnlyAccess"})", "null",
     R"({"trace":"$B80;"})"},
    {6, "signin", "ConsoleLogin", false, "", "", "null", R"({"ConsoleLogin":"Success"})",
     R"({"LoginTo":"https://console.aws.amazon.com/console/home?state=hashArgs%23&isauthco)"
     R"(de=true&code=$B80;","MobileVersion":"No","MFAUsed":"Yes"})"},
    {12, "rds", "DescribeDBInstances", true, "AWS::RDS::DBInstance", "arn:aws:rds:$G;:$A;:db:$P;",
     R"({"dBInstanceIdentifier":"$P;","marker":"$B80;"})", "null", ""},
    {10, "eks", "DescribeCluster", true, "AWS::EKS::Cluster", "arn:aws:eks:$G;:$A;:cluster/$P;",
     R"({"name":"$P;"})", "null", R"({"trace":"$B80;"})"},
    {10, "cloudformation", "DescribeStacks", true, "AWS::CloudFormation::Stack",
     "arn:aws:cloudformation:$G;:$A;:stack/$P;/0f1c2a30-77aa-11ee-b962-0242ac120002",
     R"({"stackName":"$P;","nextToken":"$B80;"})", "null", ""},
    {12, "sqs", "GetQueueAttributes", true, "AWS::SQS::Queue", "arn:aws:sqs:$G;:$A;:$P;",
     R"({"queueUrl":"https://sqs.$G;.amazonaws.com/$A;/$P;","attributeNames":["All"]})", "null",
     R"({"trace":"$B80;"})"},
    {5, "cloudtrail", "LookupEvents", true, "", "", R"({"maxResults":50,"nextToken":"$B88;"})",
     "null", ""},
};

}  // namespace traccia::load
