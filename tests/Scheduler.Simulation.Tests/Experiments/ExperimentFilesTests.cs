using System.Text;
using Scheduler.Core;

namespace Scheduler.Simulation.Tests.Experiments;

public sealed class ExperimentFilesTests
{
    private readonly ExperimentReport _report = Specs.Run(Specs.Of(Specs.Group("a, \"b\"", ExperimentWorkloadKind.Database) with { Count = 2 }) with
    {
        Seeds = [1, 2],
        Expectations = [new Expectation(PolicyKind.Fair, null, "jain", 0.5, null)],
    });

    [Fact]
    public void A_report_comes_back_from_JSON()
    {
        string json = Specs.Json(_report);
        using MemoryStream stream = new(Encoding.UTF8.GetBytes(json));
        ExperimentReport read = ExperimentFiles.ReadJson(stream);
        Assert.Equal(json, Specs.Json(read));
        Assert.Equal(_report.Check(), read.Check());
    }

    [Theory]
    [InlineData("")]
    [InlineData("null")]
    [InlineData("{}")]
    [InlineData("[1]")]
    [InlineData("{\"name\":\"x\",\"policies\":[{\"policy\":\"none-such\"}]}")]
    [InlineData("{\"name\":null,\"policies\":[]}")]
    [InlineData("{\"name\":\"x\",\"policies\":null}")]
    [InlineData("{\"name\":\"x\",\"policies\":[null]}")]
    [InlineData("{\"name\":\"x\",\"policies\":[],\"expectations\":[null]}")]
    [InlineData("{\"name\":\"x\",\"policies\":[],\"expectations\":[{\"policy\":\"fair\"}]}")]
    [InlineData("{\"name\":\"x\",\"policies\":[{\"policy\":\"fair\",\"seeds\":null,\"volume\":null,\"groups\":null}]}")]
    [InlineData("{\"name\":\"x\",\"policies\":[{\"policy\":7,\"seeds\":[1],\"volume\":{},\"groups\":[]}]}")]
    [InlineData("{\"name\":\"x\",\"policies\":[{\"policy\":\"fair\",\"seeds\":[1],\"volume\":{\"jain\":null},\"groups\":[]}]}")]
    [InlineData("{\"name\":\"x\",\"policies\":[{\"policy\":\"fair\",\"seeds\":[1],\"volume\":{\"jain\":{}},\"groups\":[]}]}")]
    [InlineData("{\"name\":\"x\",\"policies\":[{\"policy\":\"fair\",\"seeds\":[1],\"volume\":{},\"groups\":[null]}]}")]
    [InlineData("{\"name\":\"x\",\"policies\":[{\"policy\":\"fair\",\"seeds\":[1],\"volume\":{},\"groups\":[{\"name\":\"g\",\"metrics\":{},\"guests\":[null]}]}]}")]
    public void What_is_no_report_is_refused(string json)
    {
        using MemoryStream stream = new(Encoding.UTF8.GetBytes(json));
        Assert.Throws<InvalidDataException>(() => ExperimentFiles.ReadJson(stream));
    }

    [Fact]
    public void CSV_has_a_line_for_each_value()
    {
        using MemoryStream stream = new();
        ExperimentFiles.WriteCsv(_report, stream);
        string[] lines = Encoding.UTF8.GetString(stream.ToArray()).TrimEnd('\n').Split('\n');
        PolicyReport policy = _report.Policies[0];
        Assert.Equal(1 + policy.Volume.Count + policy.Groups[0].Metrics.Count + policy.Groups[0].Guests.Sum(guest => guest.Metrics.Count), lines.Length);
        Assert.Equal("experiment,partial,policy,scope,name,metric,unit,mean,half_width,runs", lines[0]);
        Assert.StartsWith("test,false,fair,volume,,requests,,", lines[1], StringComparison.Ordinal);
        Assert.Contains(lines, line => line.StartsWith("test,false,fair,group,\"a, \"\"b\"\"\",throughput,1/s,", StringComparison.Ordinal));
        Assert.Contains(lines, line => line.StartsWith("test,false,fair,guest,\"a, \"\"b\"\"-1\",throughput,1/s,", StringComparison.Ordinal));
    }

    [Fact]
    public void Half_widths_are_Student_s()
    {
        MetricEstimate estimate = MetricEstimate.Of([1, 2, 3, double.NaN])!;
        Assert.Equal(2, estimate.Mean);
        Assert.Equal(4.303 / Math.Sqrt(3), estimate.HalfWidth!.Value, 9);
        Assert.Equal(3, estimate.Runs);
        Assert.Null(MetricEstimate.Of([double.NaN]));
        Assert.Null(MetricEstimate.Of([5])!.HalfWidth);
    }
}
