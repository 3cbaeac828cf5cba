using System.Globalization;
using System.Text;
using Scheduler.Core;
using Scheduler.Host.Configuration;
using Scheduler.Simulation;
using Scheduler.Storage;

namespace Scheduler.Host.Experiments;

/// <summary>A trace of requests as CSV: <c>time-us,guest,operation,offset,length</c>, perhaps with that as a header.</summary>
/// <param name="path">The file.</param>
/// <param name="guests">Guests that it may name, from 0.</param>
/// <param name="disk">Size of each guest's disk.</param>
/// <param name="ordered">Ordered mode of the disks.</param>
internal sealed class TraceFile(string path, int guests, long disk, OrderedMode ordered)
{
    /// <summary>Bytes of a file.</summary>
    public const long BytesMax = 64 << 20;

    /// <summary>Requests of a file.</summary>
    public const int RequestsMax = 1_000_000;

    /// <summary>Characters of a line.</summary>
    public const int LineMax = 256;

    private const string Header = "time-us,guest,operation,offset,length";
    private const string Operations = "read, write, flush, barrier-write, empty-barrier, discard or zero; write, discard and zero also with +fua";

    private static readonly long _timeUsMax = 2 * (long)ExperimentBuilder.DurationMax.TotalMicroseconds;

    /// <summary>Reads and checks all lines.</summary>
    /// <returns>The requests, by time.</returns>
    /// <exception cref="HoconException">The file can't be read, or a line is wrong; the message names it.</exception>
    public IReadOnlyList<TraceRequest> Read()
    {
        List<TraceRequest> requests = [];
        CheckKind();
        try
        {
            using FileStream file = new(path, FileMode.Open, FileAccess.Read, FileShare.ReadWrite);
            using StreamReader lines = new(file, new UTF8Encoding(encoderShouldEmitUTF8Identifier: false, throwOnInvalidBytes: true));
            CheckSize(file.Length);
            int number = 0;
            char[] text = new char[LineMax];
            while (ReadLine(lines, text, ++number) is { } line)
            {
                // It may grow while it is read.
                CheckSize(file.Position);
                if (number == 1 && line.Trim() == Header)
                    continue;
                if (requests.Count == RequestsMax)
                    throw Error(number, $"there are more than {RequestsMax} requests; cut the trace");
                requests.Add(Parse(line, number, requests.Count == 0 ? 0 : requests[^1].TimeNs));
            }
        }
        catch (DecoderFallbackException)
        {
            throw Error(0, "is not UTF-8 text");
        }
        catch (Exception e) when (e is FileNotFoundException or DirectoryNotFoundException)
        {
            throw Error(0, "no such file");
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException or NotSupportedException)
        {
            throw Error(0, $"cannot be read: {e.Message}");
        }

        return requests.Count > 0 ? requests : throw Error(0, $"has no requests; a line is {Header}");
    }

    // To open a pipe waits for somebody who writes to it, and a device has no end.
    private void CheckKind()
    {
        if (Directory.Exists(path))
            throw Error(0, "is a directory, not a file");
        if (File.Exists(path) && !RegularFile.IsAt(path))
            throw Error(0, "is not a regular file; copy the trace to one");
    }

    private void CheckSize(long bytes)
    {
        if (bytes > BytesMax)
            throw Error(0, $"is larger than {ByteSize.Format(BytesMax)}");
    }

    private string? ReadLine(StreamReader lines, char[] text, int number)
    {
        int length = 0;
        while (true)
        {
            int next = lines.Read();
            if (next == '\n' || (next < 0 && length > 0))
                return new string(text, 0, length);
            if (next < 0)
                return null;
            if (length == LineMax)
                throw Error(number, $"is longer than {LineMax} characters");
            text[length++] = (char)next;
        }
    }

    private TraceRequest Parse(string line, int number, long previousNs)
    {
        string[] fields = line.Split(',', StringSplitOptions.TrimEntries);
        if (fields.Length != 5)
            throw Error(number, $"is not {Header}");
        long timeNs = TimeNs(fields[0], number);
        if (timeNs < previousNs)
            throw Error(number, $"the time '{fields[0]}' is before that of the line above; sort the lines by time");
        int guest = (int)Count("guest", fields[1], 0, guests - 1, number);
        (RequestOp op, RequestFlags flags) = Operation(fields[2], number);
        bool ranged = op.HasRange();
        long offset = Count("offset", fields[3], 0, ranged ? disk : 0, number);
        long lengthMax = !ranged ? 0 : op is RequestOp.Discard or RequestOp.Zero ? disk : ExperimentLimits.RequestBytesMax;
        long length = Count("length", fields[4], ranged ? ExperimentLimits.SectorBytes : 0, lengthMax, number);
        if (offset % ExperimentLimits.SectorBytes != 0 || length % ExperimentLimits.SectorBytes != 0)
            throw Error(number, $"offset and length must be multiples of {ExperimentLimits.SectorBytes}");
        if (length > disk - offset)
            throw Error(number, $"the request ends beyond the disk of {disk} bytes");
        return new TraceRequest(timeNs, guest, op, flags, offset, length);
    }

    private long TimeNs(string text, int number) =>
        decimal.TryParse(text, NumberStyles.AllowDecimalPoint, CultureInfo.InvariantCulture, out decimal us) && us <= _timeUsMax
            ? (long)(us * 1000)
            : throw Error(number, $"the time '{text}' is not a number of microseconds from 0 to {_timeUsMax}");

    private long Count(string field, string text, long min, long max, int number) =>
        long.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out long value) && value >= min && value <= max
            ? value
            : throw Error(number, $"the {field} '{text}' is not a whole number from {min} to {max}");

    private (RequestOp Op, RequestFlags Flags) Operation(string text, int number)
    {
        (RequestOp Op, RequestFlags Flags)? operation = text switch
        {
            "read" => (RequestOp.Read, RequestFlags.None),
            "write" => (RequestOp.Write, RequestFlags.None),
            "write+fua" => (RequestOp.Write, RequestFlags.Fua),
            "flush" => (RequestOp.Flush, RequestFlags.None),
            "barrier-write" => (RequestOp.BarrierWrite, RequestFlags.None),
            "empty-barrier" => (RequestOp.EmptyBarrier, RequestFlags.None),
            "discard" => (RequestOp.Discard, RequestFlags.None),
            "discard+fua" => (RequestOp.Discard, RequestFlags.Fua),
            "zero" => (RequestOp.Zero, RequestFlags.None),
            "zero+fua" => (RequestOp.Zero, RequestFlags.Fua),
            _ => null,
        };
        if (operation is null)
            throw Error(number, $"the operation '{text}' is not one of {Operations}");
        return !operation.Value.Op.IsBarrier() || ordered.TakesBarriers()
            ? operation.Value
            : throw Error(number, $"the group's ordered mode {KebabName.Of(ordered)} takes no barriers; write e.g. ordered = tag-flush");
    }

    private HoconException Error(int line, string problem) => new(new HoconPosition(path, line), "", problem);
}
