using System.Text;

namespace Scheduler.Host.Configuration;

/// <summary>Reads configuration files and those that they include, within <see cref="HoconLimits"/>.</summary>
internal sealed class HoconFiles
{
    private static readonly UTF8Encoding _strictUtf8 =
        new(encoderShouldEmitUTF8Identifier: false, throwOnInvalidBytes: true);

    /// <summary>Full paths of the files being read, outermost first.</summary>
    private readonly List<string> _open = [];

    private int _read;

    /// <summary>Reads and parses one file.</summary>
    /// <param name="path">As the operator named it.</param>
    /// <returns>Its content.</returns>
    /// <exception cref="HoconException">It cannot be read or is not HOCON.</exception>
    public HoconObjectNode Load(string path) => Parse(path, new HoconPosition(path, 0), []);

    /// <summary>Reads and parses an included file.</summary>
    /// <param name="position">Of the include.</param>
    /// <param name="name">As written after <c>include</c>.</param>
    /// <param name="directory">Of the including file; null if it has none.</param>
    /// <param name="required">Whether a missing file is an error; the HOCON specification ignores it otherwise.</param>
    /// <param name="prefix">The key under which it is included.</param>
    /// <returns>Its content, or null if it does not exist.</returns>
    /// <exception cref="HoconException">A cycle, a bound, or a bad file.</exception>
    public HoconObjectNode? Include(
        HoconPosition position, string name, string? directory, bool required, string[] prefix)
    {
        if (directory is null)
            throw new HoconException(position, "", "include works in files only");
        if (name.Length == 0 || name.Contains('\0'))
            throw new HoconException(position, "", "include needs the name of a file");
        string path = Path.Combine(directory, name);
        if (!File.Exists(path) && !Path.HasExtension(path))
            path += ".conf";
        if (!File.Exists(path))
            return required ? throw new HoconException(position, "", $"cannot include '{path}': no such file") : null;
        if (_open.Contains(Path.GetFullPath(path)))
            throw new HoconException(position, "", $"cannot include '{path}': it includes itself");
        if (_open.Count >= HoconLimits.IncludeDepthMax)
        {
            throw new HoconException(
                position, "", $"includes are nested deeper than {HoconLimits.IncludeDepthMax} files");
        }

        return Parse(path, position, prefix);
    }

    private HoconObjectNode Parse(string path, HoconPosition position, string[] prefix)
    {
        if (++_read > HoconLimits.FilesMax)
            throw new HoconException(position, "", $"more than {HoconLimits.FilesMax} files are included");
        string text = Read(path);
        _open.Add(Path.GetFullPath(path));
        HoconPosition start = new(path, 1);
        HoconObjectNode content =
            new HoconParser(text, start, this, Path.GetDirectoryName(path) ?? "", prefix).ParseDocument();
        _open.RemoveAt(_open.Count - 1);
        return content;
    }

    private static string Read(string path)
    {
        HoconPosition position = new(path, 0);
        if (path.Contains('\0'))
            throw new HoconException(position, "", "a file's name cannot contain a NUL character");
        try
        {
            if (Directory.Exists(path))
                throw new HoconException(position, "", "is a directory, not a file");
            using FileStream file = new(path, FileMode.Open, FileAccess.Read, FileShare.ReadWrite);

            // Devices and pipes report no length, so the bound is kept by reading one byte more than allowed.
            byte[] bytes = new byte[HoconLimits.FileBytesMax + 1];
            int count = file.ReadAtLeast(bytes, bytes.Length, throwOnEndOfStream: false);
            return count <= HoconLimits.FileBytesMax
                ? _strictUtf8.GetString(bytes, 0, count)
                : throw new HoconException(position, "", $"is larger than {HoconLimits.FileBytesMax} bytes");
        }
        catch (DecoderFallbackException)
        {
            throw new HoconException(position, "", "is not UTF-8 text");
        }
        catch (Exception e) when (e is FileNotFoundException or DirectoryNotFoundException)
        {
            throw new HoconException(position, "", "no such file");
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException or NotSupportedException)
        {
            throw new HoconException(position, "", $"cannot be read: {e.Message}");
        }
    }
}
