# An alarm when aiowatchtower drops records, for a block with metrics_namespace="Shop/Logs".
variable "topic" {
  description = "ARN of the SNS topic to notify"
  type        = string
}

resource "aws_cloudwatch_metric_alarm" "logs_dropped" {
  alarm_name          = "logs-dropped"
  alarm_description   = "Log records were lost before they reached CloudWatch Logs"
  namespace           = "Shop/Logs"
  metric_name         = "Dropped"
  dimensions          = { LogGroup = "/app/web" }
  statistic           = "Sum"
  period              = 300
  evaluation_periods  = 1
  threshold           = 0
  comparison_operator = "GreaterThanThreshold"
  treat_missing_data  = "notBreaching"
  alarm_actions       = [var.topic]
}
