using System.Text;
using Scheduler.Host.Configuration;
using Scheduler.Storage.Calibration;

namespace Scheduler.Host.Calibration;

/// <summary>A device's profile as a configuration: flat keys, which a volume's costs and an experiment's device both take.</summary>
internal static class ProfileText
{
    private const double BytesPerMib = 1 << 20;

    private static readonly TimeSpan _max = TimeSpan.FromSeconds(10);

    /// <summary>The keys and values that a profile has, in the order of the reference.</summary>
    /// <param name="profile">The profile.</param>
    /// <returns>Keys and values; what was not measured is left out.</returns>
    public static IEnumerable<(string Key, string Value)> Values(DeviceProfile profile)
    {
        yield return ("channels", $"{profile.Channels}");
        yield return ("read", Time(profile.Read.Base));
        if (profile.Write is { } write)
            yield return ("write", Time(write.Base));
        yield return ("per-mib", PerMib(profile.Read));
        if (profile.Write is { } bytes)
            yield return ("write-per-mib", PerMib(bytes));
        if (profile.Flush is { } flush)
        {
            yield return ("flush", Time(flush.Base));
            yield return ("flush-per-mib", PerMib(flush));
            yield return ("durable-write", profile.DurableWriteNs is { } durable ? Time(durable) : "null");
        }

        if (profile.Discard is { } discard)
        {
            yield return ("discard", Time(discard.Base));
            yield return ("discard-per-mib", PerMib(discard));
        }
    }

    /// <summary>The file's text.</summary>
    /// <param name="result">What was measured.</param>
    /// <param name="what">What it was measured on, in a few words.</param>
    public static string Of(CalibrationResult result, string what)
    {
        StringBuilder text = new();
        text.Append("# Profile of a device, as `scheduler calibrate` measured it: ").Append(what.ReplaceLineEndings(" ")).Append('\n');
        text.Append("# Of a volume: cost { include required(\"this file\") }. Of an experiment: device { include required(\"this file\") }.\n");
        text.Append("# hocon/reference.conf and hocon/experiment-reference.conf say what the keys mean.\n");
        if (result.Refusal is not null)
            text.Append("# Only reads were measured. A volume needs at least write too.\n");
        foreach ((string key, string value) in Values(result.Profile))
            text.Append(key).Append(" = ").Append(value).Append('\n');
        return text.ToString();
    }

    private static string PerMib(LineFit line) => Time(line.Slope * BytesPerMib);

    // The smallest step of a duration is 100 ns, and an operation takes at least that.
    private static string Time(double ns)
    {
        TimeSpan time = TimeSpan.FromTicks((long)Math.Round(ns / TimeSpan.NanosecondsPerTick));
        return DurationText.Format(time < _max ? time : _max);
    }
}
