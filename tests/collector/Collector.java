// AWS's CloudTrail Processing Library, as its users set it up: polls a queue for the announcements of a
// trail, fetches each file, and is given its events. A line of standard output for each:
// EVENT-ID EVENT-NAME BUCKET KEY. Runs until standard input ends; 1 when the library had to tell of an
// exception.
//   java -cp 'JARS/*' Collector.java ENDPOINT REGION QUEUE-URL
// SPDX-License-Identifier: Apache-2.0

import com.amazonaws.auth.AWSCredentialsProvider;
import com.amazonaws.auth.EnvironmentVariableCredentialsProvider;
import com.amazonaws.client.builder.AwsClientBuilder.EndpointConfiguration;
import com.amazonaws.services.cloudtrail.processinglibrary.AWSCloudTrailProcessingExecutor;
import com.amazonaws.services.cloudtrail.processinglibrary.configuration.ClientConfiguration;
import com.amazonaws.services.cloudtrail.processinglibrary.model.CloudTrailEvent;
import com.amazonaws.services.cloudtrail.processinglibrary.model.LogDeliveryInfo;
import com.amazonaws.services.s3.AmazonS3ClientBuilder;
import com.amazonaws.services.sqs.AmazonSQSClientBuilder;
import java.util.concurrent.atomic.AtomicBoolean;

public final class Collector {
    public static void main(String[] arguments) throws Exception {
        EndpointConfiguration endpoint = new EndpointConfiguration(arguments[0], arguments[1]);
        AWSCredentialsProvider credentials = new EnvironmentVariableCredentialsProvider();
        ClientConfiguration configuration = new ClientConfiguration(arguments[2], credentials);
        configuration.setEnableRawEventInfo(true);
        AtomicBoolean failed = new AtomicBoolean();
        AWSCloudTrailProcessingExecutor executor =
                new AWSCloudTrailProcessingExecutor.Builder(
                                events -> events.forEach(Collector::show), configuration)
                        .withExceptionHandler(
                                exception -> {
                                    failed.set(true);
                                    exception.printStackTrace();
                                })
                        .withSQSClient(
                                AmazonSQSClientBuilder.standard()
                                        .withCredentials(credentials)
                                        .withEndpointConfiguration(endpoint)
                                        .build())
                        .withS3Client(
                                AmazonS3ClientBuilder.standard()
                                        .withCredentials(credentials)
                                        .withEndpointConfiguration(endpoint)
                                        .withPathStyleAccessEnabled(true)
                                        .build())
                        .build();
        executor.start();
        while (System.in.read() >= 0) {
            // The test closes its end.
        }
        executor.stop();
        System.exit(failed.get() ? 1 : 0);
    }

    private static void show(CloudTrailEvent event) {
        LogDeliveryInfo file = (LogDeliveryInfo) event.getEventMetadata();
        System.out.printf("%s %s %s %s%n", event.getEventData().getEventId(),
                event.getEventData().getEventName(), file.getLog().getS3Bucket(),
                file.getLog().getS3ObjectKey());
        System.out.flush();
    }
}
