// The text that small blocks of the log are compressed against. Part of the format: it must never
// change; another text would be another codec.
// SPDX-License-Identifier: Apache-2.0
#include "ingest/record_dictionary.h"

namespace traccia::ingest {
namespace {

// What resembles most records comes last, where references to it are shortest.
constexpr std::string_view kText =
    R"("tlsDetails":{"tlsVersion":"TLSv1.3","cipherSuite":"TLS_AES_128_GCM_SHA256",)"
    R"("clientProvidedHostHeader":"ec2.us-east-1.amazonaws.com"},"sessionCredentialFromConsole":)"
    R"("true","vpcEndpointId":"vpce-0","vpcEndpointAccountId":"111122223333","apiVersion":)"
    R"("2016-11-15","sharedEventID":"","addendum":{"reason":"","updatedFields":"",)"
    R"("originalRequestID":"","originalEventID":""},")"
    R"(insightDetails":null,"edgeDeviceDetails":null,)"
    R"("errorCode":"AccessDenied","errorMessage":")"
    R"(User: arn:aws:sts::111122223333:assumed-role/ is )"
    R"(not authorized to perform: iam: on resource: arn:aws:iam::111122223333: because no )"
    R"(identity-based policy allows the action","errorCode":"Client.UnauthorizedOperation",)"
    R"("errorCode":"ThrottlingException","errorMessage":"Rate exceeded","errorCode":)"
    R"("ResourceNotFoundException","errorCode":"NoSuchEntity","errorCode":"ValidationException",)"
    R"("userIdentity":{"type":"Root","principalId":"111122223333","arn":)"
    R"("arn:aws:iam::111122223333:root","accountId":"111122223333"},"userIdentity":{"type":)"
    R"("AWSService","invokedBy":"cloudtrail.amazonaws.com"},"sourceIPAddress":)"
    R"("cloudtrail.amazonaws.com","userAgent":"cloudtrail.amazonaws.com","eventType":)"
    R"("AwsServiceEvent","serviceEventDetails":{},"eventType":"AwsConsoleSignIn",)"
    R"("eventSource":"signin.amazonaws.com","eventName":"ConsoleLogin","responseElements":)"
    R"({"ConsoleLogin":"Success"},")"
    R"(additionalEventData":{"LoginTo":"https://console.aws.amazon.com/",)"
    R"("MobileVersion":"No","MFAUsed":"Yes"},"sessionContext":{"sessionIssuer":{},)"
    R"("webIdFederationData":{"federatedProvider":"","attributes":{}},"attributes":)"
    R"({"creationDate":"2026-11-25T09:00:00Z","mfaAuthenticated":"true"},"invokedBy":)"
    R"("autoscaling.amazonaws.com"},"userAgent":"[aws-sdk-java/2.25.0 Linux/5.10 OpenJDK],)"
    R"("userAgent":"Boto3/1.34.0 md/Botocore#1.34.0 ua/2.0 os/linux#6.1 md/arch#x86_64 )"
    R"(lang/python#3.11 md/pyimpl#CPython cfg/retry-mode#standard","userAgent":"aws-cli/2.15.0 )"
    R"(Python/3.11.6 Linux/6.1 exe/x86_64 prompt/off)"
    R"( command/s3.cp","userAgent":"aws-sdk-go-v2/1.30 )"
    R"(os/linux lang/go#1.22 md/GOOS#linux md/GOARCH#amd64 api/sts#1.30","userAgent":)"
    R"("APN/1.0 HashiCorp/1.0 Terraform/1.7 terraform-provider-aws/5.40","userAgent":"Mozilla/5.0 )"
    R"((X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/120.0 Safari/537.36",)"
    R"("eventSource":"secretsmanager.amazonaws.com","eventName":"GetSecretValue","eventSource":)"
    R"("lambda.amazonaws.com","eventName":"Invoke","eventSource":"dynamodb.amazonaws.com",)"
    R"("eventName":"PutItem","eventName":"DescribeTable","eventSource":"logs.amazonaws.com",)"
    R"("eventName":"CreateLogStream","eventSource":"kms.amazonaws.com","eventName":"Decrypt",)"
    R"("eventName":"GenerateDataKey","requestParameters":{"encryptionContext":{"aws:s3:arn":)"
    R"("arn:aws:s3:::"},"encryptionAlgorithm":"SYMMETRIC_DEFAULT","keyId":)"
    R"("arn:aws:kms:us-east-1:111122223333:key/"},"eventSource":"sts.amazonaws.com","eventName":)"
    R"("AssumeRole","requestParameters":{"roleArn":"arn:aws:iam::111122223333:role/",)"
    R"("roleSessionName":"","durationSeconds":3600},"responseElements":{"credentials":)"
    R"({"accessKeyId":"ASIA","sessionToken":"","expiration":"Nov 25, 2026, 10:00:00 AM"},)"
    R"("assumedRoleUser":{"assumedRoleId":"AROA",")"
    R"(arn":"arn:aws:sts::111122223333:assumed-role/"}},)"
    R"("eventSource":"iam.amazonaws.com","eventName":"CreateUser","eventName":"PutRolePolicy",)"
    R"("eventName":"ListUsers","requestParameters":{"userName":"","roleName":"","policyArn":)"
    R"("arn:aws:iam::aws:policy/"},"eventSource":"ec2.amazonaws.com","eventName":)"
    R"("DescribeInstances","requestParameters":{"instancesSet":{"items":[{"instanceId":"i-0"}]},)"
    R"("filterSet":{},"maxResults":1000},"eventName":"RunInstances","eventSource":)"
    R"("s3.amazonaws.com","eventName":"GetObject","eventName":"PutObject","requestParameters":)"
    R"({"bucketName":"","Host":".s3.us-east-1.amazonaws.com","key":"","x-amz-acl":)"
    R"("bucket-owner-full-control","x-amz-server-side-encryption":"aws:kms"},)"
    R"("additionalEventData":{"SignatureVersion":"SigV4","CipherSuite":"TLS_AES_128_GCM_SHA256",)"
    R"("bytesTransferredIn":0,"AuthenticationMethod":"AuthHeader","x-amz-id-2":"",)"
    R"("bytesTransferredOut":0},"resources":[{"type":"AWS::S3::Object","ARN":"arn:aws:s3:::"},)"
    R"({"accountId":"111122223333","type":"AWS::S3::Bucket","ARN":"arn:aws:s3:::"}],"resources":)"
    R"([{"accountId":"111122223333","type":"AWS::KMS::Key","ARN":)"
    R"("arn:aws:kms:us-east-1:111122223333:key/"}],)"
    R"({"eventVersion":"1.11","userIdentity":{"type":"IAMUser","principalId":"AIDA","arn":)"
    R"("arn:aws:iam::111122223333:user/","accountId":"111122223333","accessKeyId":"AKIA",)"
    R"("userName":""},"eventTime":"2026-11-25T09:00:00Z","eventSource":"","eventName":"",)"
    R"("awsRegion":"us-east-1","sourceIPAddress":"10.0.0.1","userAgent":"",)"
    R"("requestParameters":null,"responseElements")"
    R"(:null,"requestID":"","eventID":"","readOnly":true,)"
    R"("eventType":"AwsApiCall","managementEvent":true,"recipientAccountId":"111122223333",)"
    R"("eventCategory":"Management"})"
    R"({"eventVersion":"1.11","userIdentity":{"type":"AssumedRole","principalId":"AROA",)"
    R"("arn":"arn:aws:sts::111122223333:assumed-role/","accountId":"111122223333","accessKeyId":)"
    R"("ASIA","sessionContext":{"sessionIssuer":{"type":"Role","principalId":"AROA","arn":)"
    R"("arn:aws:iam::111122223333:role/","accountId":"111122223333","userName":""},"attributes":)"
    R"({"creationDate":"2026-11-25T09:00:00Z","mfaAuthenticated":"false"}}},"eventTime":)"
    R"("2026-11-25T09:00:00Z","eventSource":".amazonaws.com","eventName":"","awsRegion":)"
    R"("us-east-1","sourceIPAddress":"10.0.0.1","userAgent":"","requestParameters":{},)"
    R"("responseElements":null,"requestID":"","eventID":"","readOnly":false,"eventType":)"
    R"("AwsApiCall","managementEvent":true,"recipientAccountId":"111122223333","eventCategory":)"
    R"("Management"})";

constexpr int kLevel = -3;  // a third of the time of level 1 for a fifth more bytes

}  // namespace

const compress::Dictionary& record_dictionary() {
  static const compress::Dictionary dictionary{std::string(kText), kLevel};
  return dictionary;
}

}  // namespace traccia::ingest
