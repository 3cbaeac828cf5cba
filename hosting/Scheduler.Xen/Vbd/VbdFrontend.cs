// What a guest says of its rings, in nodes that it can write to at any time, and write anything to.
//
//   one queue            ring-ref, event-channel; a ring of several pages: ring-page-order, ring-ref0 ..., event-channel
//   several queues       multi-queue-num-queues, queue-0/ring-ref ..., queue-0/event-channel ...
//   protocol             the ring's layout
using System.Globalization;
using Scheduler.Xen.Blkif;

namespace Scheduler.Xen.Vbd;

/// <summary>One queue of a guest's.</summary>
/// <param name="Grants">The ring's pages: 1, 2, 4, 8 or 16.</param>
/// <param name="Port">The guest's end of the event channel.</param>
internal sealed record VbdQueue(IReadOnlyList<uint> Grants, uint Port);

/// <summary>What a guest says of its rings.</summary>
internal static class VbdFrontend
{
    private const string Protocol = "x86_64-abi";

    // A number of 32 bits.
    private const int DigitsMax = 10;

    /// <summary>Reads it.</summary>
    /// <param name="node">Gives a node's value by its name; null if it is not there.</param>
    /// <param name="queuesMax">How many queues it may have.</param>
    /// <param name="queues">Its queues.</param>
    /// <returns>What is wrong, or null.</returns>
    public static string? TryRead(Func<string, string?> node, int queuesMax, out IReadOnlyList<VbdQueue> queues)
    {
        queues = [];
        string? protocol = node("protocol");
        if (protocol is not (null or Protocol))
            return $"protocol = {Shown(protocol)} is not served; the ring has the layout {Protocol}";
        if (Optional(node, "multi-queue-num-queues", 1, (uint)queuesMax, 1, out uint count) is { } wrongCount)
            return wrongCount;
        List<VbdQueue> read = [];
        for (int i = 0; i < count; i++)
        {
            string prefix = count == 1 ? "" : string.Create(CultureInfo.InvariantCulture, $"queue-{i}/");
            if (TryReadQueue(node, prefix, out VbdQueue? queue) is { } wrong)
                return wrong;
            read.Add(queue!);
        }

        queues = read;
        return null;
    }

    /// <summary>A value as it may be shown to people: short, and printable.</summary>
    /// <param name="value">What somebody has written.</param>
    /// <returns>It, in quotes.</returns>
    public static string Shown(string value)
    {
        const int ShownMax = 40;
        string printable = string.Concat(value.Take(ShownMax).Select(c => c is >= ' ' and <= '~' ? c : '?'));
        return value.Length > ShownMax ? $"'{printable}...'" : $"'{printable}'";
    }

    /// <summary>Reads a number in decimal digits.</summary>
    /// <param name="text">The text.</param>
    /// <param name="number">The number.</param>
    /// <returns>Whether it is one of 32 bits.</returns>
    public static bool TryNumber(string text, out uint number)
    {
        number = 0;
        return text.Length <= DigitsMax && uint.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out number);
    }

    private static string? TryReadQueue(Func<string, string?> node, string prefix, out VbdQueue? queue)
    {
        queue = null;
        if (Optional(node, "ring-page-order", 0, BlkifAbi.RingOrderMax, 0, out uint order) is { } wrong)
            return wrong;

        // A ring of one page is named in either way.
        bool single = order == 0 && node($"{prefix}ring-ref") is not null;
        uint[] grants = new uint[1 << (int)order];
        for (int i = 0; i < grants.Length; i++)
        {
            string name = single ? $"{prefix}ring-ref" : string.Create(CultureInfo.InvariantCulture, $"{prefix}ring-ref{i}");
            if (Needed(node, name, out grants[i]) is { } wrongGrant)
                return wrongGrant;
        }

        if (Needed(node, $"{prefix}event-channel", out uint port) is { } wrongPort)
            return wrongPort;
        queue = new VbdQueue(grants, port);
        return null;
    }

    private static string? Needed(Func<string, string?> node, string name, out uint number)
    {
        number = 0;
        return node(name) is not { } text ? $"the guest has not written {name}"
            : TryNumber(text, out number) ? null
            : $"{name} = {Shown(text)} is not a number";
    }

    private static string? Optional(Func<string, string?> node, string name, uint low, uint high, uint otherwise, out uint number)
    {
        number = otherwise;
        return node(name) is not { } text || (TryNumber(text, out number) && number >= low && number <= high)
            ? null
            : $"{name} = {Shown(text)} is not a number from {low} to {high}";
    }
}
