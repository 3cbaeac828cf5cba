using System.Globalization;

namespace Scheduler.Xen.Vbd;

/// <summary>Which virtual disk it is.</summary>
/// <param name="Domain">Number of the guest's domain.</param>
/// <param name="Device">Number of the device, by which the guest names it.</param>
internal readonly record struct VbdAddress(ushort Domain, uint Device)
{
    /// <summary>Reads the names of two directories.</summary>
    /// <param name="domain">The domain's.</param>
    /// <param name="device">The device's.</param>
    /// <returns>The address, or null if they are none.</returns>
    public static VbdAddress? TryParse(string domain, string device) =>
        VbdFrontend.TryNumber(domain, out uint number) && number <= ushort.MaxValue && VbdFrontend.TryNumber(device, out uint of)
            ? new VbdAddress((ushort)number, of)
            : null;

    /// <summary>Reads what <see cref="ToString"/> writes.</summary>
    /// <param name="text">The text.</param>
    /// <returns>The address, or null if it is none.</returns>
    public static VbdAddress? TryParse(string text) => text.Split('/') is [var domain, var device] ? TryParse(domain, device) : null;

    /// <inheritdoc/>
    public override string ToString() => string.Create(CultureInfo.InvariantCulture, $"{Domain}/{Device}");
}
