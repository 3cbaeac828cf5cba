using System.Globalization;
using System.Runtime.InteropServices;
using System.Text;
using System.Text.Encodings.Web;
using System.Text.Json;
using Scheduler.Storage.Native;

namespace Scheduler.Storage;

/// <summary>A sync that failed.</summary>
/// <param name="Domain">The flush domain's index in its volume.</param>
/// <param name="Error">The errno.</param>
/// <param name="Time">When.</param>
/// <param name="Text">What failed, for the operator.</param>
public sealed record Fault(int Domain, int Error, DateTimeOffset Time, string Text);

/// <summary>
/// The durable record that a sync of a flush domain has failed (F6): a small file beside the volume. A service that starts
/// must not forget the fault, because the kernel does: a write-back error is reported once, and the next sync of the same
/// file succeeds though pages were lost. The marker stays until an operator has it cleared.
/// </summary>
/// <remarks>
/// Content: one line of JSON, <c>{"version":1,"domain":0,"errno":5,"time":"...","text":"..."}</c>. Whatever cannot be
/// understood counts as a fault: that it is there is the message. It is named after the volume's path as configured, since
/// a logical volume's device number changes from boot to boot. All methods block.
/// </remarks>
public sealed class FaultMarker
{
    private const int Version = 1;
    private const uint CreateMode = 0x1a4; // 0644

    // It is read by operators, not by browsers.
    private static readonly JsonWriterOptions s_readable = new() { Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping };

    private readonly string _temporaryPath;
    private readonly string _directory;

    /// <param name="path">The marker's file; its directory exists.</param>
    public FaultMarker(string path)
    {
        Path = System.IO.Path.GetFullPath(path);
        _temporaryPath = Path + ".new";
        _directory = System.IO.Path.GetDirectoryName(Path)!;
    }

    /// <summary>The marker's file.</summary>
    public string Path { get; }

    /// <summary>The marker of a volume: beside a file, in <see cref="VolumeOptions.MarkerDirectory"/> for a block device.</summary>
    /// <param name="options">The volume's path, kind and marker directory.</param>
    /// <returns>The marker; null for a volume that keeps nothing over a restart (memory, null).</returns>
    /// <exception cref="VolumeOpenException">The directory is missing, or not given for a block device, whose own directory
    /// does not survive a reboot.</exception>
    public static FaultMarker? For(VolumeOptions options)
    {
        DeviceKind kind = options.Device == DeviceKind.Faulty ? options.Faulty.Inner : options.Device;
        if (kind != DeviceKind.File)
            return null;
        string path = System.IO.Path.GetFullPath(options.Path);
        bool isBlockDevice = FileStatus.Get(path, out FileStatus status) == 0 && status.IsBlockDevice;
        if (!isBlockDevice)
            return new FaultMarker(path + ".fault");
        if (options.MarkerDirectory == null)
        {
            throw new VolumeOpenException(
                path, "a block device has no place for a fault marker", "name a marker directory on a durable file system");
        }

        if (!Directory.Exists(options.MarkerDirectory))
        {
            throw new VolumeOpenException(
                path, $"the marker directory {options.MarkerDirectory} does not exist", "create it, or name another");
        }

        // Escaped, so that two volumes never share a marker.
        string name = Uri.EscapeDataString(path.TrimStart('/'));
        return new FaultMarker(System.IO.Path.Combine(options.MarkerDirectory, name + ".fault"));
    }

    /// <summary>Looks whether a fault is recorded.</summary>
    /// <returns>The fault, or null. A marker that is unreadable, corrupt or half-written is a fault whose text says so.</returns>
    public Fault? Read()
    {
        try
        {
            if (IsThere(Path))
                return Parse(File.ReadAllBytes(Path));
            return IsThere(_temporaryPath)
                ? Unclear(_temporaryPath, "it was not finished", File.GetLastWriteTimeUtc(_temporaryPath))
                : null;
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            return Unclear(Path, e.Message, DateTime.UnixEpoch);
        }
    }

    /// <summary>Records a fault durably, in place of an earlier one.</summary>
    /// <param name="fault">The fault.</param>
    /// <exception cref="IOException">It could not be made durable.</exception>
    public void Write(Fault fault)
    {
        byte[] content = Format(fault);
        int fd = FileCalls.Open(_temporaryPath, LibC.ReadWrite | LibC.Create, CreateMode);
        ThrowIf(fd < 0 ? -fd : 0, "create", _temporaryPath);
        try
        {
            ThrowIf(LibC.FTruncate(fd, 0) == 0 ? 0 : LibC.LastError, "truncate", _temporaryPath);
            GCHandle pinned = GCHandle.Alloc(content, GCHandleType.Pinned);
            int error = FileCalls.Write(fd, pinned.AddrOfPinnedObject(), content.Length, 0, 0);
            pinned.Free();
            ThrowIf(error, "write", _temporaryPath);
            ThrowIf(FileCalls.Sync(fd), "sync", _temporaryPath);
        }
        finally
        {
            _ = LibC.Close(fd);
        }

        ThrowIf(LibC.Rename(_temporaryPath, Path) == 0 ? 0 : LibC.LastError, "rename", _temporaryPath);
        ThrowIf(FileCalls.SyncDirectory(_directory), "sync", _directory);
    }

    /// <summary>Removes the record durably; nothing to do if there is none.</summary>
    /// <exception cref="IOException">It could not be removed.</exception>
    public void Clear()
    {
        // The finished marker last: a crash between the two leaves it in force.
        Remove(_temporaryPath);
        Remove(Path);
        ThrowIf(FileCalls.SyncDirectory(_directory), "sync", _directory);
    }

    // Anything but "no such file" is taken for a marker: a fault is never overlooked because a look failed.
    private static bool IsThere(string path) => FileStatus.Get(path, out _) != LibC.ENOENT;

    private static void Remove(string path)
    {
        if (LibC.Unlink(path) != 0 && LibC.LastError != LibC.ENOENT)
            ThrowIf(LibC.LastError, "remove", path);
    }

    private static void ThrowIf(int error, string verb, string path)
    {
        if (error != 0)
            throw new IOException($"Fault marker: cannot {verb} {path}: {FileCalls.Describe(error)}.");
    }

    private static byte[] Format(Fault fault)
    {
        using MemoryStream stream = new();
        using (Utf8JsonWriter json = new(stream, s_readable))
        {
            json.WriteStartObject();
            json.WriteNumber("version", Version);
            json.WriteNumber("domain", fault.Domain);
            json.WriteNumber("errno", fault.Error);
            json.WriteString("time", fault.Time.ToString("O", CultureInfo.InvariantCulture));
            json.WriteString("text", fault.Text);
            json.WriteEndObject();
        }

        stream.WriteByte((byte)'\n');
        return stream.ToArray();
    }

    private Fault Parse(byte[] content)
    {
        try
        {
            using JsonDocument document = JsonDocument.Parse(Encoding.UTF8.GetString(content));
            JsonElement root = document.RootElement;
            int version = root.GetProperty("version").GetInt32();
            if (version != Version)
                throw new JsonException($"its version {version} is unknown");
            return new Fault(
                root.GetProperty("domain").GetInt32(),
                root.GetProperty("errno").GetInt32(),
                root.GetProperty("time").GetDateTimeOffset(),
                root.GetProperty("text").GetString() ?? "");
        }
        catch (Exception e) when (e is JsonException or KeyNotFoundException or InvalidOperationException or FormatException)
        {
            return Unclear(Path, e.Message, File.GetLastWriteTimeUtc(Path));
        }
    }

    private static Fault Unclear(string path, string reason, DateTime time) =>
        new(0, Errno.EIO, new DateTimeOffset(time, TimeSpan.Zero), $"The fault marker {path} cannot be understood: {reason}");
}
